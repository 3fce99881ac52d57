// From counts to greys: automatic limits, the curve between them, and the look-up table that paints a picture.

export const MASKED = [0xb9, 0xd3, 0xea];
export const SATURATED = [0xe0, 0x21, 0x8a];
export const CURVES = ["linear", "sqrt", "log"];

const LOWEST = 0.05;
const HIGHEST = 0.997;
const LEAST = 2.5; // smallest range of the square roots of counts that is shown, so that noise does not fill it

export const special = (scale) => (1 << scale.bits) - 2; // this code is saturated, the next one masked
export const countOf = (code, scale) => scale.offset + scale.gain * code;

export function histogramOf(codes, scale) {
  const histogram = new Uint32Array(1 << scale.bits);
  for (let i = 0; i < codes.length; i++) histogram[codes[i]]++;
  return histogram;
}

export function automaticLimits(histogram, scale) {
  const last = special(scale);
  let valid = 0;
  for (let code = 0; code < last; code++) valid += histogram[code];
  const at = (share) => {
    let below = 0;
    for (let code = 0; code < last; code++) {
      below += histogram[code];
      if (below > share * valid) return countOf(code, scale);
    }
    return countOf(0, scale);
  };
  const low = at(LOWEST);
  const least = low >= 0 ? (Math.sqrt(low) + LEAST) ** 2 : low + LEAST ** 2;
  return { low, high: Math.max(at(HIGHEST), least) };
}

// The share of brightness, 0 to 1, of a count.
export function shareOf(count, { low, high, curve }) {
  const share = Math.min(1, Math.max(0, (count - low) / (high - low || 1)));
  if (curve === "sqrt") return Math.sqrt(share);
  if (curve === "log") return Math.log1p(share * Math.max(1, high - low)) / Math.log1p(Math.max(1, high - low));
  return share;
}

const pixel = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;

export function greyOf(count, levels) {
  const share = shareOf(count, levels);
  const grey = Math.round(255 * (levels.inverted ? share : 1 - share));
  return pixel([grey, grey, grey]);
}

export const stateColour = (state) => pixel(state === 2 ? SATURATED : MASKED);

// One 32-bit pixel for each code.
export function lookUpTable(levels, scale) {
  const last = special(scale);
  const table = new Uint32Array(1 << scale.bits);
  for (let code = 0; code < last; code++) table[code] = greyOf(countOf(code, scale), levels);
  table[last] = stateColour(2);
  table[last + 1] = stateColour(1);
  return table;
}

export function paint(codes, table, pixels) {
  for (let i = 0; i < codes.length; i++) pixels[i] = table[codes[i]];
}
