// The frame in its canvas: a reduced picture of the whole, and above it the part in view at the resolution it needs.
// Moving and zooming redraw the present picture at once; the finer part arrives a moment later.

import { picture as fetchPicture } from "./api.js";
import { lookUpTable, paint } from "./levels.js";

const MARGIN = 0.4; // of the window, fetched beyond each edge
const PATIENCE = 60; // milliseconds without movement before a finer part is fetched
const LARGEST = 64; // screen pixels along a detector pixel

class Layer {
  constructor(picture) {
    this.picture = picture;
    const [rows, cols] = picture.blocks;
    this.canvas = document.createElement("canvas");
    this.canvas.width = cols;
    this.canvas.height = rows;
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(cols, rows);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  paint(table) {
    paint(this.picture.codes, table, this.pixels);
    this.context.putImageData(this.image, 0, 0);
  }
}

export class Viewer {
  constructor(box, canvas, { moved, pointed, failed }) {
    this.box = box;
    this.canvas = canvas;
    this.tell = { moved, pointed, failed };
    this.view = null; // scale: screen pixels along a detector pixel; left, top: detector pixels at the window's edge
    this.whole = this.part = null;
    this.levels = null;
    this.listen();
    new ResizeObserver(() => this.resized()).observe(box);
    this.resized();
  }

  get longest() {
    return Math.max(64, Math.min(this.canvas.width, this.canvas.height));
  }

  show(frame, together, picture, levels) {
    const before = this.whole?.picture.shape.join();
    this.frame = frame;
    this.together = together;
    this.part = null;
    this.fetching?.abort();
    this.whole = new Layer(picture);
    if (this.view === null || before !== picture.shape.join()) this.fit();
    this.setLevels(levels);
    performance.mark("frame painted");
    this.later();
    this.pointAgain();
  }

  clear() {
    this.fetching?.abort();
    this.frame = this.whole = this.part = null;
    this.draw();
  }

  setLevels(levels) {
    this.levels = levels;
    if (!this.whole) return;
    this.table = lookUpTable(levels, this.whole.picture.scale);
    this.whole.paint(this.table);
    this.part?.paint(this.table);
    this.draw();
  }

  get fitting() {
    const [rows, cols] = this.whole.picture.shape;
    return Math.min(this.canvas.width / cols, this.canvas.height / rows);
  }

  fit() {
    if (!this.whole) return;
    const [rows, cols] = this.whole.picture.shape;
    const scale = this.fitting;
    this.view = { scale, left: (cols - this.canvas.width / scale) / 2, top: (rows - this.canvas.height / scale) / 2 };
    this.changed();
  }

  zoom(factor, x = this.canvas.width / 2, y = this.canvas.height / 2) {
    if (!this.whole) return;
    const { scale, left, top } = this.view;
    const next = Math.min(LARGEST, Math.max(this.fitting, scale * factor));
    this.view = { scale: next, left: left + x / scale - x / next, top: top + y / scale - y / next };
    if (next === this.fitting) this.fit();
    else this.changed();
  }

  pan(x, y) {
    if (!this.whole) return;
    this.view.left += x / this.view.scale;
    this.view.top += y / this.view.scale;
    this.changed();
  }

  changed() {
    const [rows, cols] = this.whole.picture.shape;
    const { scale } = this.view;
    const within = (from, size, window) =>
      window >= size ? (size - window) / 2 : Math.min(size - window, Math.max(0, from));
    this.view.left = within(this.view.left, cols, this.canvas.width / scale);
    this.view.top = within(this.view.top, rows, this.canvas.height / scale);
    this.soon();
    this.later();
  }

  soon() {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      this.draw();
    });
  }

  // Where a place in detector pixels, whole at a pixel's middle, is on the canvas.
  place(row, col) {
    const { scale, left, top } = this.view;
    return [(col + 0.5 - left) * scale, (row + 0.5 - top) * scale];
  }

  draw() {
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.whole) {
      const { scale, left, top } = this.view;
      const [rows, cols] = this.whole.picture.shape;
      context.save();
      context.beginPath();
      context.rect(-left * scale, -top * scale, cols * scale, rows * scale);
      context.clip();
      for (const layer of [this.whole, this.part]) if (layer) this.drawLayer(context, layer);
      context.restore();
    }
    this.tell.moved();
  }

  drawLayer(context, { picture, canvas }) {
    const { scale, left, top } = this.view;
    const { region } = picture;
    const size = region.step * scale;
    context.imageSmoothingEnabled = size < 1;
    const [x, y] = [(region.left - left) * scale, (region.top - top) * scale];
    context.drawImage(canvas, x, y, canvas.width * size, canvas.height * size);
  }

  later() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.fetchPart(), PATIENCE);
  }

  async fetchPart() {
    if (!this.whole) return;
    const { scale, left, top } = this.view;
    const step = Math.max(1, Math.ceil(1 / scale - 1e-6));
    if (step >= this.whole.picture.region.step || this.covers(step)) return;
    const [width, height] = [this.canvas.width / scale, this.canvas.height / scale];
    const from = (edge, size) => Math.max(0, Math.floor((edge - MARGIN * size) / step) * step);
    const length = (size) => Math.ceil((1 + 2 * MARGIN) * size) + step;
    this.fetching?.abort();
    this.fetching = new AbortController();
    const region = { together: this.together, step, left: from(left, width), top: from(top, height), cols: length(width), rows: length(height) };
    const { frame, together } = this;
    try {
      const found = await fetchPicture(frame, region, this.fetching.signal);
      if (frame !== this.frame || together !== this.together || found.unreadable) return;
      this.part = new Layer(found);
      this.part.paint(this.table);
      this.draw();
    } catch (error) {
      if (error.name !== "AbortError") this.tell.failed(error);
    }
  }

  // Whether the present part is fine enough and covers the window.
  covers(step) {
    if (!this.part || this.part.picture.region.step !== step) return false;
    const { region, shape } = this.part.picture;
    const { scale, left, top } = this.view;
    const right = Math.min(shape[1], left + this.canvas.width / scale);
    const bottom = Math.min(shape[0], top + this.canvas.height / scale);
    return (
      region.left <= Math.max(0, left) && region.top <= Math.max(0, top) &&
      region.left + region.cols >= right && region.top + region.rows >= bottom
    );
  }

  resized() {
    const { clientWidth, clientHeight } = this.box;
    const dots = window.devicePixelRatio || 1;
    const fitted = this.whole && this.view.scale <= this.fitting * 1.001;
    this.canvas.width = Math.max(1, Math.round(clientWidth * dots));
    this.canvas.height = Math.max(1, Math.round(clientHeight * dots));
    if (fitted) this.fit();
    else if (this.whole) this.changed();
    this.draw();
  }

  listen() {
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const dots = this.canvas.width / box.width;
      return [(event.clientX - box.left) * dots, (event.clientY - box.top) * dots];
    };
    let last = null;
    this.box.addEventListener("pointerdown", (event) => {
      if (event.target.closest("button") || event.button !== 0) return;
      last = at(event);
      this.box.setPointerCapture(event.pointerId);
    });
    this.box.addEventListener("pointermove", (event) => {
      const [x, y] = at(event);
      if (last) {
        this.box.classList.add("dragged");
        this.pan(last[0] - x, last[1] - y);
        last = [x, y];
      }
      this.point(x, y);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      this.box.addEventListener(name, () => {
        last = null;
        this.box.classList.remove("dragged");
      });
    }
    this.box.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), ...at(event));
    }, { passive: false });
  }

  pointAgain() {
    if (this.pointer) this.point(...this.pointer);
  }

  point(x, y) {
    this.pointer = [x, y];
    if (!this.whole) return;
    const { scale, left, top } = this.view;
    const [row, col] = [Math.floor(y / scale + top), Math.floor(x / scale + left)];
    const [rows, cols] = this.whole.picture.shape;
    if (row >= 0 && col >= 0 && row < rows && col < cols) this.tell.pointed(row, col);
  }
}
