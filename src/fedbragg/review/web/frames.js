// Pictures of frames: the current one, and the next ones, fetched in advance.

import { picture } from "./api.js";

const KEPT = 14;
export const AHEAD = 5;

export class Frames {
  constructor() {
    this.pictures = new Map(); // promises by frame, size and how many are summed, the latest last
  }

  get(frame, size) {
    const key = `${frame} ${size.longest} ${size.together}`;
    const found = this.pictures.get(key) ?? picture(frame, size);
    this.pictures.delete(key);
    this.pictures.set(key, found);
    found.catch(() => this.pictures.delete(key)); // requested again next time
    for (const old of this.pictures.keys()) if (this.pictures.size > KEPT) this.pictures.delete(old);
    return found;
  }

  // Fetch one after the other, so that the frame that is shown next comes first.
  async ahead(frames, size) {
    this.wanted = frames;
    for (const frame of frames.slice(0, AHEAD)) {
      if (this.wanted !== frames) return;
      try {
        await this.get(frame, size);
      } catch {
        return; // reported when it is shown
      }
    }
  }
}
