// Small charts as SVG, each with a text description for people who cannot see it.

const WIDTH = 360, HEIGHT = 150, LEFT = 52, RIGHT = 6, TOP = 8, BOTTOM = 20;
const SVG = "http://www.w3.org/2000/svg";

function shape(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

function chart(words, marks) {
  const drawn = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words });
  drawn.append(...marks);
  return drawn;
}

const across = (share) => LEFT + share * (WIDTH - LEFT - RIGHT);
const up = (share) => HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);

function axes(lowest, highest, first, last) {
  const label = (x, y, anchor, text) => shape("text", { x, y, "text-anchor": anchor }, text);
  return [
    shape("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: up(0), y2: up(0) }),
    shape("line", { class: "axis", x1: LEFT, x2: LEFT, y1: up(0), y2: up(1) }),
    label(LEFT - 5, up(0), "end", lowest), label(LEFT - 5, up(1) + 8, "end", highest),
    label(LEFT, HEIGHT - 5, "start", first), label(WIDTH - RIGHT, HEIGHT - 5, "end", last),
  ];
}

// Bars of counts at scores from 0 to 1, on a logarithmic scale; those from `limit` on are kept.
export function histogram(counts, limit) {
  const most = Math.max(1, ...counts), width = (WIDTH - LEFT - RIGHT) / counts.length;
  const height = (count) => Math.log1p(count) / Math.log1p(most);
  const bars = counts.map((count, place) => shape("rect", {
    class: (place + 1) / counts.length > limit ? "bar kept" : "bar",
    x: across(place / counts.length) + 0.5, width: Math.max(1, width - 1),
    y: up(height(count)), height: up(0) - up(height(count)),
  }));
  const line = shape("line", { class: "limit", x1: across(limit), x2: across(limit), y1: up(0), y2: up(1) });
  const total = counts.reduce((sum, count) => sum + count, 0);
  return chart(`Histogram of ${total} scores; frames from ${limit.toFixed(3)} on are kept`,
    [...bars, line, ...axes("0", most.toLocaleString("en"), "score 0 (counts: log scale)", "1")]);
}

// A curve of values, the latest on the right; `top` fixes the scale, null lets it follow the values.
export function curve(values, top, show, words) {
  const known = values.filter((value) => value !== null);
  const highest = top ?? (known.length ? Math.max(1e-9, ...known) * 1.15 : 1);
  const parts = [];
  values.forEach((value, place) => {
    if (value === null) return;
    const x = across(values.length > 1 ? place / (values.length - 1) : 1);
    parts.push(`${parts.length ? "L" : "M"}${x.toFixed(1)} ${up(Math.min(1, value / highest)).toFixed(1)}`);
  });
  const latest = known.length ? show(known[known.length - 1]) : "none";
  return chart(`${words}: latest ${latest}`,
    [...axes("0", show(highest), "", "latest"), shape("path", { class: "curve", d: parts.join("") })]);
}

export function spots(size, places) {
  const drawn = shape("svg", { viewBox: `0 0 ${size[0]} ${size[1]}`, "aria-hidden": "true" });
  const radius = Math.max(...size) / 60;
  drawn.append(...places.map(([cx, cy]) => shape("circle", { cx: cx + 0.5, cy: cy + 0.5, r: radius })));
  return drawn;
}
