/** What to do when there is no adapter: a pure function of the system, so that every system can be tested on any other. */

/** What the decision depends on. */
export interface System {
  /** `process.platform`. */
  readonly platform: string;
  /** Contents of /etc/os-release, "" where there is none. */
  readonly osRelease: string;
  readonly root: boolean;
  /** HOLDFAST_NO_INSTALL is set. */
  readonly installForbidden: boolean;
  /** Lines `archive suite` of `apt-get indextargets`: "" before the first `apt-get update`, undefined without apt. */
  readonly indexTargets: string | undefined;
  /** `status version` of each of `packages`, as dpkg-query prints it. */
  readonly installedPackages: readonly string[];
  /** VK_DRIVER_FILES or VK_ICD_FILENAMES, whichever is set: the loader then looks nowhere else. */
  readonly driverVariable: string | undefined;
}

/** Why the probe found nothing: a missing driver can be installed here, a missing or unloadable npm package cannot. */
export interface NoAdapter {
  readonly cause: "driver" | "package";
  readonly reason: string;
}

/** What a person can do: the commands that give this system a driver (none where they are not known). */
export interface Advice {
  readonly commands: readonly string[];
  readonly hint: string;
}

/** Why there is no adapter, and what to do about it. */
export interface Remedy extends Advice {
  readonly reason: string;
}

/** Where a newer Mesa is to be had. */
export interface Backports {
  readonly suite: string;
  /** The line for apt's lists; "" if the suite is configured already. */
  readonly source: string;
}

export interface Plan {
  /** Whether apt can do something about it; if not, `remedy` says why. */
  readonly install: boolean;
  readonly remedy: Remedy;
}

/** Dawn refuses Mesa 22.3 (Debian 12) and accepts 23.2 (Ubuntu 22.04); both were tried with webgpu 0.6.2. */
export const oldestMesa = 23;
export const packages: readonly string[] = ["mesa-vulkan-drivers", "libvulkan1"];

/** The major version in a Debian version string ("1:25.0.7-2~bpo12+1" → 25), 0 if there is none. */
export function majorVersion(version: string): number {
  return Number(version.match(/^(?:\d+:)?(\d+)/)?.[1] ?? 0);
}

/** One field of os-release. */
export function osField(osRelease: string, name: string): string {
  const line = osRelease.split("\n").find((candidate) => candidate.startsWith(`${name}=`));
  return (line ?? "").slice(name.length + 1).replace(/^(["'])(.*)\1$/, "$2");
}

function distributions(osRelease: string): string[] {
  return `${osField(osRelease, "ID")} ${osField(osRelease, "ID_LIKE")}`.toLowerCase().split(/\s+/);
}

/** Backports of a Debian release, from the archive it already uses; undefined for other systems, or if that is unknown. */
export function debianBackports({ osRelease, indexTargets }: System): Backports | undefined {
  const codename = osField(osRelease, "VERSION_CODENAME");
  if (osField(osRelease, "ID") !== "debian" || codename === "" || !indexTargets) return undefined;
  const targets = indexTargets.split("\n").map((line) => line.trim().split(/\s+/));
  const suite = `${codename}-backports`;
  // A suite that is configured already must not be listed twice: apt refuses differing options for one source.
  if (targets.some(([, release]) => release === suite)) return { suite, source: "" };
  const archive = targets.find(([uri, release]) => release === codename && !uri.startsWith("cdrom:"))?.[0];
  return archive === undefined ? undefined : { suite, source: `deb ${archive} ${suite} main` };
}

/** The same for a person to type where apt has no lists yet: the shell asks apt for the archive. */
const bookwormBackports: Backports = {
  suite: "bookworm-backports",
  source:
    "deb $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1) " +
    "bookworm-backports main",
};

function aptCommands(system: System): string[] {
  const sudo = system.root ? "" : "sudo ";
  const update = `${sudo}apt-get update`;
  const install = (suite: string) => `${sudo}apt-get install -y ${suite}${packages.join(" ")}`;
  // Of the releases that webgpu runs on, only Debian 12 has a Mesa that is too old.
  if (osField(system.osRelease, "VERSION_CODENAME") !== "bookworm") return [update, install("")];
  const known = debianBackports(system);
  const { suite, source } = known ?? bookwormBackports;
  const addition = source ? [`echo "${source}" | ${sudo}tee /etc/apt/sources.list.d/${suite}.list`, update] : [update];
  return [...(known ? [] : [update]), ...addition, install(`-t ${suite} `)];
}

/** The commands that usually give this system a Vulkan driver, and what is normally there. */
function howTo(system: System): Advice {
  const sudo = system.root ? "" : "sudo ";
  const known = distributions(system.osRelease);
  if (system.platform === "darwin")
    return {
      commands: [],
      hint: "macOS offers Metal on every Mac that WebGPU supports; a virtual machine may hide it",
    };
  if (system.platform === "win32")
    return { commands: [], hint: "Windows offers Direct3D 12 with any current graphics driver; update the driver" };
  if (system.platform !== "linux")
    return { commands: [], hint: "the webgpu package supports Linux, macOS and Windows" };
  if (known.includes("debian") || known.includes("ubuntu"))
    return { commands: aptCommands(system), hint: "Mesa's Vulkan drivers include a software one" };
  if (known.includes("fedora") || known.includes("rhel"))
    return {
      commands: [`${sudo}dnf install -y mesa-vulkan-drivers vulkan-loader`],
      hint: "Mesa's Vulkan drivers include a software one",
    };
  if (known.includes("arch"))
    return {
      commands: [`${sudo}pacman -S --needed vulkan-swrast vulkan-icd-loader`],
      hint: "vulkan-swrast is the software driver; vulkan-radeon, vulkan-intel and nvidia-utils are those of GPUs",
    };
  return { commands: [], hint: "install Mesa's Vulkan drivers (version 23 or newer) and the Vulkan loader" };
}

/** Both packages are there and new enough, so that installing them again would change nothing. */
function alreadyInstalled({ installedPackages }: System): boolean {
  const versions = installedPackages.filter((line) => line.startsWith("installed ")).map((line) => line.split(" ")[1]);
  return versions.length === packages.length && majorVersion(versions[0]) >= oldestMesa;
}

/** Install by apt where that can work; in any case what a person can do. */
export function planDriver(system: System, { cause, reason }: NoAdapter): Plan {
  const manual = (why: string, advice: Advice): Plan => ({ install: false, remedy: { reason: why, ...advice } });
  if (cause === "package") {
    const hint = "the webgpu package needs Linux with glibc 2.34 or newer, macOS or Windows";
    return manual(reason, { commands: ["npm install webgpu"], hint });
  }
  const { driverVariable } = system;
  if (system.platform === "linux" && driverVariable)
    return manual(`${reason} where ${driverVariable} points`, { commands: [`unset ${driverVariable}`], hint: "" });
  const advice = howTo(system);
  if (system.platform !== "linux" || system.indexTargets === undefined) return manual(reason, advice);
  if (system.installForbidden) return manual(`${reason}, and HOLDFAST_NO_INSTALL forbids to install one`, advice);
  if (!system.root) return manual(`${reason}, and installing one takes root`, advice);
  if (alreadyInstalled(system))
    return manual(`${reason}, although Mesa's are installed`, {
      commands: [`apt-get install -y --reinstall ${packages.join(" ")}`],
      hint: "if that changes nothing, `vulkaninfo` (package vulkan-tools) says why the loader drops the driver",
    });
  const hint = "npm test and holdfast demo install it by themselves";
  return { install: true, remedy: { reason, ...advice, hint } };
}

/** Whether the candidate in the output of `apt-cache policy mesa-vulkan-drivers` is one that Dawn accepts. */
export function candidateSuffices(policy: string): boolean {
  return majorVersion(policy.match(/^\s*Candidate:\s*(\S+)/m)?.[1] ?? "") >= oldestMesa;
}
