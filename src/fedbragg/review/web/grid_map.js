// The map of a grid scan: where each frame was taken, how strong its background is, and which label you gave it. The
// background is not the model's opinion, so it may be seen before the label.

import { NAMES } from "./sidebar.js";

const COLOURS = ["", "#12633a", "#7a5200", "#40506a"];
const UNKNOWN = 0xffe8ded9; // alpha, blue, green, red
const LEGIBLE = 9; // screen pixels along a point from which its label is written

export class GridMap {
  constructor(canvas, text, { rows, cols, snake }, choose) {
    Object.assign(this, { canvas, text, rows, cols, snake });
    this.levels = new Float32Array(rows * cols).fill(NaN);
    this.labels = new Uint8Array(rows * cols);
    this.now = 0;
    canvas.addEventListener("click", (event) => choose(this.frameUnder(event)));
    canvas.addEventListener("pointermove", (event) => this.describe(this.frameUnder(event)));
    canvas.addEventListener("pointerleave", () => this.describe(this.now));
    canvas.addEventListener("keydown", (event) => this.step(event, choose));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  // Every second row of a snake is scanned from right to left; the rule is its own inverse.
  column(row, col) {
    return this.snake && row % 2 ? this.cols - 1 - col : col;
  }

  frameAt(row, col) {
    return row * this.cols + this.column(row, col);
  }

  pointOf(frame) {
    const row = Math.floor(frame / this.cols);
    return [row, this.column(row, frame % this.cols)];
  }

  frameUnder(event) {
    const box = this.canvas.getBoundingClientRect();
    const within = (share, number) => Math.min(number - 1, Math.max(0, Math.floor(share * number)));
    const row = within((event.clientY - box.top) / box.height, this.rows);
    return this.frameAt(row, within((event.clientX - box.left) / box.width, this.cols));
  }

  // With the map in focus the arrow keys move on the sample, not in time.
  step(event, choose) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const [row, col] = this.pointOf(this.now);
    const [down, right] = [row + move[0], col + move[1]];
    if (down >= 0 && right >= 0 && down < this.rows && right < this.cols) choose(this.frameAt(down, right));
  }

  show(now, labels, levels = this.levels) {
    Object.assign(this, { now, labels, levels });
    this.describe(now);
    this.draw();
  }

  describe(frame) {
    const [row, col] = this.pointOf(frame);
    const level = this.levels[frame];
    const counts = Number.isNaN(level) ? "" : `, ${Number(level.toPrecision(2))} counts a pixel`;
    const label = this.labels[frame] ? `your label: ${NAMES[this.labels[frame]]}` : "no label";
    this.text.textContent = `Row ${row + 1}, column ${col + 1}: ${label}${counts}.`;
  }

  draw() {
    const dots = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.canvas.clientWidth * dots));
    this.canvas.width = width;
    this.canvas.height = Math.max(1, Math.round(Math.min(1.2 * width, (width * this.rows) / this.cols)));
    const context = this.canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(this.shades(), 0, 0, width, this.canvas.height);
    const size = [width / this.cols, this.canvas.height / this.rows];
    this.labels.forEach((label, frame) => label && this.mark(context, frame, label, size));
    const [row, col] = this.pointOf(this.now);
    const thick = 2 * dots;
    for (const [colour, wide] of [["#ffffff", 2 * thick], ["#d1491b", thick]]) {
      context.lineWidth = wide;
      context.strokeStyle = colour;
      context.strokeRect(col * size[0], row * size[1], size[0], size[1]);
    }
  }

  // A hit is a full square, a maybe the half of one, a miss a bar at its foot; large ones have their letter.
  mark(context, frame, label, [wide, high]) {
    const [row, col] = this.pointOf(frame);
    const [x, y] = [col * wide, row * high];
    context.fillStyle = COLOURS[label];
    const share = [0, 1, 0.5, 0.25][label];
    context.fillRect(x, y + high * (1 - share), wide, high * share);
    const dots = window.devicePixelRatio || 1;
    if (Math.min(wide, high) < LEGIBLE * dots) return;
    context.font = `600 ${Math.min(12 * dots, 0.8 * high)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const letter = ["", "h", "m", "x"][label];
    context.lineWidth = 3 * dots;
    context.strokeStyle = COLOURS[label];
    context.strokeText(letter, x + wide / 2, y + high / 2);
    context.fillStyle = "#ffffff";
    context.fillText(letter, x + wide / 2, y + high / 2);
  }

  // The more background, the darker, on a scale of square roots; the highest and lowest twentieth have no shade of
  // their own, because one bright point would make the others look alike.
  shades() {
    const known = this.levels.filter((level) => !Number.isNaN(level)).map((level) => Math.sqrt(Math.max(0, level))).sort();
    const [low, high] = [0.05, 0.95].map((share) => known[Math.floor(share * known.length)] ?? 0);
    const image = new ImageData(this.cols, this.rows);
    const pixels = new Uint32Array(image.data.buffer);
    this.levels.forEach((level, frame) => {
      const [row, col] = this.pointOf(frame);
      const share = Math.min(1, Math.max(0, (Math.sqrt(Math.max(0, level)) - low) / (high - low || 1)));
      const grey = Math.round(250 - 140 * share);
      pixels[row * this.cols + col] = Number.isNaN(level) ? UNKNOWN : ((255 << 24) | (grey << 16) | (grey << 8) | grey) >>> 0;
    });
    const canvas = Object.assign(document.createElement("canvas"), { width: this.cols, height: this.rows });
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }
}
