// The pixels around the cursor with their exact counts, fetched in parts larger than the area shown.

import { counts } from "./api.js";
import { greyOf, stateColour } from "./levels.js";

const SHOWN = 33; // pixels along the edge
const STATES = ["", " (masked)", " (saturated)"];

export class CloseUp {
  constructor(canvas, show, failed) {
    this.canvas = canvas;
    this.show = show;
    this.failed = failed;
    this.clear();
  }

  clear() {
    this.part = this.frame = this.place = null;
    this.draw();
  }

  async point(frame, together, row, col, levels) {
    this.place = [row, col];
    this.levels = levels;
    if (this.frame !== frame || this.together !== together) this.part = null;
    Object.assign(this, { frame, together });
    if (!this.part || !this.covers(row, col)) await this.fetch();
    this.draw();
  }

  setLevels(levels) {
    this.levels = levels;
    this.draw();
  }

  // One request at a time; the cursor may have moved on when it is answered.
  async fetch() {
    if (this.busy) return;
    this.busy = true;
    const { frame, together } = this;
    const changed = () => frame !== this.frame || together !== this.together;
    try {
      const part = await counts(frame, together, ...this.place);
      if (!changed()) this.part = part;
    } catch (error) {
      this.failed(error);
      return;
    } finally {
      this.busy = false;
    }
    if (this.frame !== null && (changed() || !this.covers(...this.place))) await this.fetch();
  }

  // Whether the area shown around a pixel, up to the frame's edge, has been fetched.
  covers(row, col) {
    const { region, shape } = this.part;
    const half = (SHOWN - 1) / 2;
    const within = (at, first, length, size) =>
      first <= Math.max(0, at - half) && first + length >= Math.min(size, at + half + 1);
    return within(row, region.top, region.rows, shape[0]) && within(col, region.left, region.cols, shape[1]);
  }

  value(row, col) {
    const { region, counts: found, states } = this.part;
    const [r, c] = [row - region.top, col - region.left];
    if (r < 0 || c < 0 || r >= region.rows || c >= region.cols) return null;
    const place = r * region.cols + c;
    return { count: found[place], state: states[place] };
  }

  draw() {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.part || !this.place) return this.show(null);
    const [row, col] = this.place;
    const here = this.value(row, col);
    if (!here) return this.show(null);
    const half = (SHOWN - 1) / 2;
    const image = new ImageData(SHOWN, SHOWN);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < SHOWN * SHOWN; i++) {
      const found = this.value(row - half + Math.floor(i / SHOWN), col - half + (i % SHOWN));
      if (found) pixels[i] = found.state ? stateColour(found.state) : greyOf(found.count, this.levels);
    }
    this.enlarge(context, image);
    const text = Number.isInteger(here.count) ? String(here.count) : here.count.toPrecision(6);
    this.show({ row, col, text: text + STATES[here.state] });
  }

  enlarge(context, image) {
    this.small ??= Object.assign(document.createElement("canvas"), { width: SHOWN, height: SHOWN });
    this.small.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.height);
    const size = this.canvas.width / SHOWN;
    context.strokeStyle = "#d1491b";
    context.lineWidth = 1.5;
    context.strokeRect(((SHOWN - 1) / 2) * size, ((SHOWN - 1) / 2) * size, size, size);
  }
}
