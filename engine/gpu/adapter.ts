/** Whether an adapter is a CPU pretending to be a GPU (lavapipe, SwiftShader, WARP): other kernels win there. */
export function isSoftware({ isFallbackAdapter, architecture, device, description }: GPUAdapterInfo): boolean {
  const name = `${architecture} ${device} ${description}`;
  return isFallbackAdapter || /swiftshader|llvmpipe|basic render|\bsoftware\b|\bcpu\b/i.test(name);
}
