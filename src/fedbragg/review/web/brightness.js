// The brightness controls: limits by hand or automatic, the curve between them, and a histogram of the counts.

import { CURVES, automaticLimits, countOf, histogramOf, special } from "./levels.js";

const by = (id) => document.getElementById(id);
const STEP = 1.25; // of the range, with the keys [ and ]

export class Brightness {
  constructor(changed) {
    this.changed = changed;
    this.limits = { low: 0, high: 1 };
    for (const id of ["low", "high"]) by(id).addEventListener("change", () => this.typed());
    for (const id of ["scale", "inverted"]) by(id).addEventListener("change", () => this.update());
    by("automatic").addEventListener("change", () => this.update());
  }

  get levels() {
    return { ...this.limits, curve: by("scale").value, inverted: by("inverted").checked };
  }

  // Take a new picture; automatic levels follow from it.
  take(picture) {
    this.scale = picture.scale;
    this.histogram = histogramOf(picture.codes, picture.scale);
    this.settle();
    return this.levels;
  }

  settle() {
    if (by("automatic").checked && this.histogram) this.limits = automaticLimits(this.histogram, this.scale);
    by("low").value = Number(this.limits.low.toPrecision(5));
    by("high").value = Number(this.limits.high.toPrecision(5));
    this.draw();
  }

  update() {
    this.settle();
    this.changed(this.levels);
  }

  typed() {
    const [low, high] = [Number(by("low").value), Number(by("high").value)];
    by("automatic").checked = false;
    if (Number.isFinite(low) && Number.isFinite(high) && high > low) this.limits = { low, high };
    this.update();
  }

  more(sign) {
    by("automatic").checked = false;
    const range = (this.limits.high - this.limits.low) * STEP ** -sign;
    this.limits = { low: this.limits.low, high: this.limits.low + Math.max(range, 1e-6) };
    this.update();
  }

  toggleAutomatic() {
    by("automatic").checked = !by("automatic").checked;
    this.update();
  }

  nextCurve() {
    by("scale").value = CURVES[(CURVES.indexOf(by("scale").value) + 1) % CURVES.length];
    this.update();
  }

  // Counts from 0 to beyond the upper limit, their numbers on a logarithmic scale; the limits as lines.
  draw() {
    const canvas = by("histogram");
    const context = canvas.getContext("2d");
    const { width, height } = canvas;
    context.clearRect(0, 0, width, height);
    if (!this.histogram) return;
    const [start, end] = [countOf(0, this.scale), Math.max(this.limits.high * 1.3, countOf(1, this.scale))];
    const bars = new Float64Array(100);
    const reach = Math.min(special(this.scale), Math.ceil((end - start) / this.scale.gain));
    for (let code = 0; code < reach; code++) {
      const bar = Math.floor((100 * (code * this.scale.gain)) / (end - start));
      if (bar < 100) bars[bar] += this.histogram[code];
    }
    const highest = Math.log1p(Math.max(...bars, 1));
    context.fillStyle = "#7c8d9c";
    bars.forEach((number, bar) => {
      const tall = (height - 2) * (Math.log1p(number) / highest);
      context.fillRect(bar * 3, height - tall, 2.4, tall);
    });
    context.fillStyle = "#a34a18";
    for (const limit of [this.limits.low, this.limits.high]) {
      context.fillRect((width * (limit - start)) / (end - start) - 1, 0, 2, height);
    }
  }
}
