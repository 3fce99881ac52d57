// The page's requests to the server. All addresses are relative, because the token comes before them.

export class Problem extends Error {}

async function ask(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server does not answer. Nothing was labelled. Is fedbragg review still running?");
  }
  if (!response.ok) {
    const said = await response.json().catch(() => ({}));
    throw new Problem(said.problem ?? `The server answers with ${response.status}.`);
  }
  return response;
}

const json = async (address, options) => (await ask(address, options)).json();
const bytes = async (address) => (await ask(address)).arrayBuffer();

export const state = () => json("state");
export const labels = async () => new Uint8Array(await bytes("labels"));
export const levels = async () => new Float32Array(await bytes("levels"));
export const order = async (name) => new Uint32Array(await bytes(`order/${name}`));
export const geometry = (frame) => json(`frames/${frame}/geometry`);
export const judgement = (frame) => json(`frames/${frame}/judgement`);
export const teaching = () => json("teaching");
export const change = (name) => json(`teaching/${name}`, { method: "POST" });
export const undo = () => json("undo", { method: "POST" });
export const tick = (frame, ticks) =>
  json(`frames/${frame}/label`, { method: "POST", body: JSON.stringify({ ticks }) });
export const give = (frame, label) =>
  json(`frames/${frame}/label`, { method: "POST", body: JSON.stringify({ label }) });

// A picture: codes of counts, row by row, and their scale; or the points of a curve. One that cannot be read has
// only its name and `unreadable`.
export async function picture(frame, query, signal) {
  const response = await ask(`frames/${frame}/picture?${new URLSearchParams(query)}`, { signal });
  const about = JSON.parse(response.headers.get("x-picture"));
  if (about.unreadable) return about;
  if (about.curve) return { ...about, ...(await response.json()), axis: about.curve };
  const content = await response.arrayBuffer();
  return { ...about, codes: about.scale.bits === 8 ? new Uint8Array(content) : new Uint16Array(content) };
}

// Exact counts around a pixel, and their states: 0 valid, 1 masked, 2 saturated.
export async function counts(frame, together, row, col) {
  const response = await ask(`frames/${frame}/counts?${new URLSearchParams({ together, row, col })}`);
  const { region, shape } = JSON.parse(response.headers.get("x-region"));
  const content = await response.arrayBuffer();
  const pixels = region.rows * region.cols;
  return { region, shape, counts: new Float64Array(content, 0, pixels), states: new Uint8Array(content, 8 * pixels) };
}
