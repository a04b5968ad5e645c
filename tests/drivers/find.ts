/** Where Chromium and its software Vulkan driver are, found by looking; environment variables come first, and an empty one
 *  means to do without. */
import { existsSync } from "node:fs";

const manifests = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
  "/usr/lib64/chromium-browser/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
];
const browsers = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The JSON manifest of SwiftShader, a second software driver that shares no code with Mesa's; HOLDFAST_SWIFTSHADER names it. */
export function findSwiftShader(): string | undefined {
  return (process.env.HOLDFAST_SWIFTSHADER ?? manifests.find((path) => existsSync(path))) || undefined;
}

/** The program; HOLDFAST_CHROMIUM names it. */
export function findChromium(): string | undefined {
  return (process.env.HOLDFAST_CHROMIUM ?? browsers.find((path) => existsSync(path))) || undefined;
}

/** The environment that gives a process one Vulkan driver only. Older loaders know the second name only. */
export function driverEnvironment(manifest: string): Record<string, string> {
  return { VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest };
}
