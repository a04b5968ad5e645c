/** Whether an adapter is a CPU pretending to be a GPU (lavapipe, SwiftShader, WARP): other kernels win there. */
export function isSoftware({ isFallbackAdapter, architecture, device, description }: GPUAdapterInfo): boolean {
  const name = `${architecture} ${device} ${description}`;
  return isFallbackAdapter || /swiftshader|llvmpipe|basic render|\bsoftware\b|\bcpu\b/i.test(name);
}

/** Whether pipelines are compiled at their first dispatch, one after the other on one thread of the device, as Mesa's software driver does. */
export function compilesLate({ architecture, device, description }: GPUAdapterInfo): boolean {
  return /llvmpipe/i.test(`${architecture} ${device} ${description}`);
}
