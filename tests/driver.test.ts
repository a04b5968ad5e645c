/** What is done about a missing adapter, for systems that are not at hand. */

import {
  candidateSuffices,
  debianBackports,
  majorVersion,
  osField,
  packages,
  planDriver,
  type System,
} from "../cli/driver/plan.js";
import { formatRemedy } from "../cli/driver.js";
import { check, test } from "./harness.js";

const missing = { cause: "driver", reason: "no Vulkan driver is found" } as const;

const bookworm: System = {
  platform: "linux",
  osRelease: 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n',
  root: true,
  installForbidden: false,
  indexTargets: "http://mirror.test/debian-security/ bookworm-security\nhttp://mirror.test/debian/ bookworm",
  installedPackages: [],
  driverVariable: undefined,
};
const trixie: System = {
  ...bookworm,
  osRelease: bookworm.osRelease.replaceAll("bookworm", "trixie"),
  indexTargets: "http://mirror.test/debian/ trixie",
};
const ubuntu: System = {
  ...bookworm,
  osRelease: "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n",
  indexTargets: "http://mirror.test/ubuntu/ noble",
};

test("Debian 12 as root installs, from the backports of its own archive", () => {
  check.is(planDriver(bookworm, missing).install, true);
  check.equal(debianBackports(bookworm), {
    suite: "bookworm-backports",
    source: "deb http://mirror.test/debian/ bookworm-backports main",
  });
});

test("backports that are configured already are not listed again", () => {
  const configured = {
    ...bookworm,
    indexTargets: `${bookworm.indexTargets}\nhttp://mirror.test/debian/ bookworm-backports`,
  };
  const { remedy } = planDriver(configured, missing);
  check.equal(debianBackports(configured), { suite: "bookworm-backports", source: "" });
  check.equal(remedy.commands, ["apt-get update", `apt-get install -y -t bookworm-backports ${packages.join(" ")}`]);
});

test("an installation disc is no archive", () => {
  check.is(debianBackports({ ...bookworm, indexTargets: "cdrom:[Debian_12]/ bookworm" }), undefined);
});

test("Ubuntu and later Debians are told to take their own Mesa", () => {
  for (const system of [trixie, ubuntu])
    check.equal(planDriver(system, missing).remedy.commands, [
      "apt-get update",
      `apt-get install -y ${packages.join(" ")}`,
    ]);
  check.is(debianBackports(ubuntu), undefined);
});

test("nothing is installed where it is forbidden, without root, or where it would change nothing", () => {
  const installed = ["installed 25.0.7-2~bpo12+1", "installed 1.3.239.0-1"];
  const cases: [Partial<System>, RegExp][] = [
    [{ installForbidden: true }, /HOLDFAST_NO_INSTALL forbids/],
    [{ root: false }, /takes root/],
    [{ installedPackages: installed }, /although Mesa's are installed/],
    [{ driverVariable: "VK_DRIVER_FILES" }, /where VK_DRIVER_FILES points/],
    [{ indexTargets: undefined }, /^no Vulkan driver is found$/],
  ];
  for (const [change, reason] of cases) {
    const { install, remedy } = planDriver({ ...bookworm, ...change }, missing);
    check.is(install, false);
    check.match(remedy.reason, reason);
  }
});

test("an old Mesa, a removed one or a missing loader does not count as installed", () => {
  for (const installedPackages of [
    ["installed 22.3.6-1+deb12u1", "installed 1.3.239.0-1"],
    ["config-files 25.0.7-2~bpo12+1", "installed 1.3.239.0-1"],
    ["installed 25.0.7-2~bpo12+1"],
  ])
    check.is(planDriver({ ...bookworm, installedPackages }, missing).install, true, installedPackages.join());
});

test("without root the commands say sudo, and name the archive of this system", () => {
  const { remedy } = planDriver({ ...bookworm, root: false }, missing);
  check.is(remedy.commands.length, 3);
  check.match(remedy.commands[0], 'echo "deb http://mirror.test/debian/ bookworm-backports main" | sudo tee');
  for (const command of remedy.commands) check.match(command, "sudo ");
});

test("before the first apt-get update the archive is not known: install all the same, and let the shell ask apt", () => {
  const { install, remedy } = planDriver({ ...bookworm, indexTargets: "" }, missing);
  check.is(install, true);
  check.is(remedy.commands[0], "apt-get update");
  check.match(remedy.commands[1], /^echo "deb \$\(apt-get indextargets .*\) bookworm-backports main" \| tee/);
  check.is(remedy.commands.length, 4);
});

test("other systems get their own commands, and nothing is installed", () => {
  const elsewhere = { ...bookworm, indexTargets: undefined };
  const cases: [Partial<System>, RegExp][] = [
    [{ osRelease: "ID=fedora\n" }, /dnf install -y mesa-vulkan-drivers/],
    [{ osRelease: 'ID="rocky"\nID_LIKE="rhel centos fedora"\n' }, /dnf install/],
    [{ osRelease: "ID=arch\n" }, /pacman -S --needed vulkan-swrast/],
    [{ osRelease: "ID=alpine\n" }, /Vulkan loader/],
    [{ platform: "darwin", osRelease: "" }, /Metal/],
    [{ platform: "win32", osRelease: "" }, /Direct3D 12/],
  ];
  for (const [change, text] of cases) {
    const { install, remedy } = planDriver({ ...elsewhere, ...change }, missing);
    check.is(install, false);
    check.match(formatRemedy(remedy), text);
  }
});

test("an npm package that is missing or does not load is no reason to install a driver", () => {
  const { install, remedy } = planDriver(bookworm, { cause: "package", reason: "the package webgpu cannot be loaded" });
  check.is(install, false);
  check.equal(remedy.commands, ["npm install webgpu"]);
});

test("versions and fields are read as Debian writes them", () => {
  check.is(majorVersion("1:25.0.7-2~bpo12+1"), 25);
  check.is(majorVersion("(none)"), 0);
  check.is(candidateSuffices("mesa-vulkan-drivers:\n  Installed: (none)\n  Candidate: 22.3.6-1+deb12u2\n"), false);
  check.is(candidateSuffices("mesa-vulkan-drivers:\n  Installed: (none)\n  Candidate: 25.0.7-2\n"), true);
  check.is(candidateSuffices(""), false);
  check.is(osField(bookworm.osRelease, "PRETTY_NAME"), "Debian GNU/Linux 12 (bookworm)");
  check.is(osField(bookworm.osRelease, "ID"), "debian");
  check.is(osField(bookworm.osRelease, "VARIANT"), "");
});
