// Compare-and-exchange of (key, position) pairs in workgroup memory. A pair is (key, position); positions differ, so no two
// pairs are equal. Needs BLOCK, a power of two, and THREADS.
var<workgroup> tile: array<vec2u, BLOCK>;

fn isAfter(a: vec2u, b: vec2u) -> bool {
  return a.x > b.x || (a.x == b.x && a.y > b.y);
}

// The lower position of pair `i` of a step over runs of `span` elements, a power of two: the partner is in the other half.
fn lowerOf(i: u32, span: u32) -> u32 {
  let inHalf = i & (span / 2u - 1u);
  return ((i - inHalf) << 1u) + inHalf;
}

// The mirror image in the run for the first step of a merge, else the same place in the other half.
fn partnerOf(low: u32, span: u32, mirrored: bool) -> u32 {
  return select(low + span / 2u, low ^ (span - 1u), mirrored);
}

fn stepInTile(span: u32, mirrored: bool, local: u32) {
  workgroupBarrier();
  for (var i = local; i < BLOCK / 2u; i += THREADS) {
    let low = lowerOf(i, span);
    let high = partnerOf(low, span, mirrored);
    let a = tile[low];
    let b = tile[high];
    if (isAfter(a, b)) {
      tile[low] = b;
      tile[high] = a;
    }
  }
}
