// Which frame comes next: an order of frames, and a trail of those seen.

const NOWHERE = 0xffffffff;

export class Queue {
  constructor(frames) {
    this.frames = frames;
    this.labels = new Uint8Array(frames); // 0 none, 1 hit, 2 maybe, 3 miss
    this.unreadable = new Set();
    this.trail = [];
    this.at = -1; // in the trail
    this.setList(Uint32Array.from({ length: frames }, (_, i) => i));
  }

  setList(list) {
    this.list = list;
    this.places = new Uint32Array(this.frames).fill(NOWHERE);
    list.forEach((frame, place) => (this.places[frame] = place));
  }

  get now() {
    return this.trail[this.at];
  }

  go(frame) {
    if (frame === this.now) return;
    this.trail.length = this.at + 1;
    this.trail.push(frame);
    this.at++;
  }

  // The frame one step away; undefined at the end. Seen ones come first, then the order.
  neighbour(step) {
    const seen = this.trail[this.at + step];
    if (seen !== undefined) return { frame: seen, at: this.at + step };
    const place = this.placeOf(this.now);
    const frame = this.list[place === undefined ? 0 : place + step];
    return frame === undefined ? undefined : { frame };
  }

  placeOf(frame) {
    const place = frame === undefined ? NOWHERE : this.places[frame];
    return place === NOWHERE ? undefined : place;
  }

  // The next readable frames without a label, after the current one and then from the start; all of them where `all`.
  upcoming(number, { fromStart = false, all = false } = {}) {
    const place = this.placeOf(this.now);
    const first = fromStart || place === undefined ? 0 : place + 1;
    const found = [];
    for (let i = 0; i < this.list.length && found.length < number; i++) {
      const frame = this.list[(first + i) % this.list.length];
      const wrapped = first + i >= this.list.length;
      if (frame !== this.now && !this.unreadable.has(frame) && (all ? !wrapped : this.labels[frame] === 0)) found.push(frame);
    }
    return found;
  }
}
