// What rows are sorted by: the bits of an element as an unsigned number.
override FLOAT: bool = false;
override SIGNED: bool = false;
override DESCENDING: bool = false;

// An unsigned number with the order asked for. All NaNs are the largest, -0 is 0.
fn keyOf(bits: u32) -> u32 {
  let sign = 0x80000000u;
  if (FLOAT && (bits & ~sign) > 0x7f800000u) {
    return 0xffffffffu;
  }
  let integer = select(bits, bits ^ sign, SIGNED);
  let key = select(integer, select(bits | sign, ~bits, bits > sign), FLOAT);
  return select(key, ~key, DESCENDING);
}
