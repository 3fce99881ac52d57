// A pattern: intensity on a scale of square roots, and under it a row of ticks for each answer's lines.

const LINE = "#1c2733";
const COLOURS = ["#1f5fa8", "#a34a18", "#12633a", "#7a3aa0", "#8c1d18", "#0f7a7a"];
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]]; // patterns too, so that colour is not the only difference
const [ROW, FOOT] = [16, 34]; // screen pixels

export const styleOf = (number) => ({
  colour: COLOURS[number % COLOURS.length],
  dashes: DASHES[Math.floor(number / COLOURS.length + number) % DASHES.length],
});

// Draw; the lines of the names in `shown`, a set, run through the pattern, those of others are ticks below it.
export function drawCurve(canvas, { x, y, lines, axis }, shown) {
  const dots = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * dots));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * dots));
  const context = canvas.getContext("2d");
  context.scale(dots, dots);
  const [width, height] = [canvas.width / dots, canvas.height / dots];
  const names = Object.keys(lines);
  const bottom = height - FOOT - ROW * names.length;
  const [first, last] = [x[0], x[x.length - 1]];
  context.font = "12px system-ui, sans-serif";
  const edge = 12 + Math.max(...names.map((name) => context.measureText(name).width), 0);
  const across = (place) => edge + ((place - first) / (last - first)) * (width - edge - 12);
  const roots = y.map((value) => Math.sqrt(Math.max(0, value)));
  const highest = roots.reduce((a, b) => Math.max(a, b), 0) || 1;
  context.textBaseline = "middle";
  names.forEach((name, number) => drawLines(context, name, number, { lines, shown, across, bottom, first, last }));
  context.setLineDash([]);
  context.strokeStyle = LINE;
  context.lineWidth = 1.2;
  context.beginPath();
  roots.forEach((root, i) => context.lineTo(across(x[i]), bottom - (root / highest) * (bottom - 14)));
  context.stroke();
  drawAxis(context, { first, last, across, height, axis, width });
}

function drawLines(context, name, number, { lines, shown, across, bottom, first, last }) {
  const { colour, dashes } = styleOf(number);
  const middle = bottom + ROW * (number + 0.5) + 4;
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = shown.has(name) ? 1.4 : 1;
  for (const place of lines[name]) {
    if (place < first || place > last) continue;
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(across(place), middle - 5);
    context.lineTo(across(place), middle + 5);
    context.stroke();
    if (!shown.has(name)) continue;
    context.setLineDash(dashes);
    context.beginPath();
    context.moveTo(across(place), 8);
    context.lineTo(across(place), bottom);
    context.stroke();
  }
  context.textAlign = "left";
  context.fillText(name, 4, middle);
}

function drawAxis(context, { first, last, across, height, axis, width }) {
  context.fillStyle = LINE;
  context.textAlign = "center";
  const step = [0.5, 1, 2, 5, 10, 20].find((size) => (last - first) / size <= 12) ?? 50;
  for (let place = Math.ceil(first / step) * step; place <= last; place += step) {
    context.fillText(String(Number(place.toFixed(2))), across(place), height - 24);
  }
  context.fillText(axis, width / 2, height - 9);
}
