// docs/benchmarks.svg: each ratio as a bar, with a mark where it is to be.

import { figure, verdict } from './page.mjs';

const WIDTH = 860;
const ROW = 26;
const LEFT = 430;
const RIGHT = 120;

const escaped = (text) =>
  text.replace(/[&<>]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[char]);

export function plot(done) {
  let y = 16;
  const parts = [];
  for (const { trial, results } of done) {
    const rows = (trial.targets ?? []).map((target) => ({ target, ...verdict(target, results) }));
    if (rows.length === 0) continue;
    y += 18;
    parts.push(`<text class="title" x="16" y="${y}">${escaped(trial.title.replaceAll('`', ''))}</text>`);
    y += 8;
    for (const { target, what, value, goal, reached } of rows) {
      // Logarithmic, with the goal at the middle: a bar past the mark is as far past it as the factor says.
      const limit = target.atLeast ?? target.atMost;
      const side = target.atLeast === undefined ? -1 : 1;
      const decades = side * Math.log10(value / limit);
      const middle = LEFT + (WIDTH - LEFT - RIGHT) / 2;
      const length = Number.isFinite(decades)
        ? Math.max(-1, Math.min(1, decades)) * ((WIDTH - LEFT - RIGHT) / 2)
        : 0;
      const [from, to] = length >= 0 ? [middle, middle + length] : [middle + length, middle];
      parts.push(
        `<text class="what" x="32" y="${y + 17}">${escaped(what.replaceAll('`', ''))}</text>`,
        `<rect class="${reached ? 'reached' : 'missed'}" x="${from.toFixed(1)}" y="${y + 6}" width="${Math.max(2, to - from).toFixed(1)}" height="14" rx="2"/>`,
        `<line class="mark" x1="${middle}" x2="${middle}" y1="${y + 2}" y2="${y + 24}"/>`,
        `<text class="value" x="${WIDTH - 16}" y="${y + 17}">${figure(value)} (${escaped(goal)})</text>`,
      );
      y += ROW;
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 16}" font-family="system-ui, sans-serif" font-size="13">
<title>Ratios and what they are to be</title>
<style>
  .title { font-weight: 600; fill: #1f2328 } .what, .value { fill: #57606a } .value { text-anchor: end; font-size: 12px }
  .reached { fill: #2da44e } .missed { fill: #cf222e } .mark { stroke: #8c959f }
  @media (prefers-color-scheme: dark) { .title { fill: #e6edf3 } .what, .value { fill: #9da7b3 } .reached { fill: #3fb950 } .missed { fill: #f85149 } .mark { stroke: #6e7681 } }
</style>
${parts.join('\n')}
</svg>
`;
}
