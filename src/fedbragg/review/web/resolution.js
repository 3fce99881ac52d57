// The resolution of a pixel in angstrom: from its panel's place and distance, by Bragg's law.

export function resolutionAt(geometry, row, col) {
  if (!geometry?.wavelength) return null;
  const panel = geometry.panels.find(
    ({ rows, cols }) => row >= rows[0] && row < rows[1] && col >= cols[0] && col < cols[1],
  );
  if (!panel) return null;
  const [along, down] = [col - panel.cols[0], row - panel.rows[0]];
  const x = panel.corner[0] + panel.fast[0] * along + panel.slow[0] * down;
  const y = panel.corner[1] + panel.fast[1] * along + panel.slow[1] * down;
  const angle = Math.atan2(Math.hypot(x, y) * panel.pixel, panel.distance);
  return angle > 0 ? geometry.wavelength / (2 * Math.sin(angle / 2)) : Infinity;
}
