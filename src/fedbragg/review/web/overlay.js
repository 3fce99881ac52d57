// Drawn over a frame: resolution rings, ice rings, the beam, spots.

const RING = "#1f5fa8";
const ICE = "#0f7a7a";
const SPOT = "#d1491b";
const HALO = "rgba(255, 255, 255, 0.85)";
const IS_SPOT = 0.5;

export function drawOverlay(canvas, viewer, { geometry, judgement, shown }) {
  const context = canvas.getContext("2d");
  canvas.width = viewer.canvas.width;
  canvas.height = viewer.canvas.height;
  if (!viewer.whole) return;
  const dots = window.devicePixelRatio || 1;
  context.font = `${12 * dots}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const pen = { context, viewer, dots };
  if (shown.rings && geometry) {
    for (const ring of geometry.rings) drawRing(pen, ring, RING, `${ring.spacing} Å`, []);
    if (geometry.beam) drawBeam(pen, geometry.beam);
  }
  if (shown.ice && geometry) for (const ring of geometry.ice) drawRing(pen, ring, ICE, `ice ${ring.spacing}`, [6, 4]);
  if (shown.spots && judgement) drawSpots(pen, judgement.peaks);
}

function drawRing({ context, viewer, dots }, { lines }, colour, text, dashes) {
  context.strokeStyle = colour;
  context.lineWidth = 1.2 * dots;
  context.setLineDash(dashes.map((length) => length * dots));
  let label = null; // on the part of the ring that is highest in the window
  for (const line of lines) {
    context.beginPath();
    for (const [row, col] of line) {
      const [x, y] = viewer.place(row, col);
      context.lineTo(x, y);
      const inside = x > 30 * dots && y > 12 * dots && x < viewer.canvas.width - 30 * dots;
      if (inside && y < viewer.canvas.height - 12 * dots && (label === null || y < label[1])) label = [x, y];
    }
    context.stroke();
  }
  context.setLineDash([]);
  if (label) write({ context, dots }, text, label, colour);
}

function write({ context, dots }, text, [x, y], colour) {
  context.lineWidth = 4 * dots;
  context.strokeStyle = HALO;
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

function drawBeam({ context, viewer, dots }, [row, col]) {
  const [x, y] = viewer.place(row, col);
  const arm = 9 * dots;
  for (const [colour, width] of [[HALO, 4], [RING, 1.6]]) {
    context.strokeStyle = colour;
    context.lineWidth = width * dots;
    context.beginPath();
    context.moveTo(x - arm, y);
    context.lineTo(x + arm, y);
    context.moveTo(x, y - arm);
    context.lineTo(x, y + arm);
    context.stroke();
  }
}

// A spot is a whole circle; a peak that the model does not take for a spot is a broken, thinner one.
function drawSpots({ context, viewer, dots }, peaks) {
  const radius = Math.max(8 * dots, 4 * viewer.view.scale);
  const labelled = viewer.view.scale > 2 * dots || peaks.length <= 40;
  context.textAlign = "left";
  for (const peak of peaks) {
    const isSpot = peak.probability >= IS_SPOT;
    const [x, y] = viewer.place(peak.row, peak.column);
    context.strokeStyle = SPOT;
    context.lineWidth = (isSpot ? 1.8 : 1) * dots;
    context.setLineDash(isSpot ? [] : [3 * dots, 3 * dots]);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([]);
    if (labelled) write({ context, dots }, peak.probability.toFixed(2), [x + radius + 2 * dots, y], "#8f2f0e");
  }
  context.textAlign = "center";
}
