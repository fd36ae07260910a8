'use strict';

// Charts as SVG text. Colours and fonts come from the page's style; values that a reader may want to know are
// in titles, which a browser shows where the pointer rests.

const WIDTH = 540;
const HEIGHT = 210;
/** Room for the labels around the plot. */
const ROOM = { left: 44, right: 10, top: 12, bottom: 26 };
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY_MS = 86_400_000;

/** @typedef {{ label: string, values: (number | null)[] }} Band a stretch of time, with its values */

/**
 * Text for HTML and its attributes. What comes from events has been through `safe` before.
 * @param {string} text
 */
function html(text) {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** @param {number} value */
const at = (value) => String(Number(value.toFixed(1)));

/**
 * Round steps from zero to at least `top`.
 * @param {number} top
 * @returns {number[]}
 */
function ticksTo(top) {
  if (!(top > 0)) return [0, 1];
  const rough = top / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5].find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
  return Array.from({ length: Math.ceil(top / step - 1e-9) + 1 }, (_, i) => i * step);
}

/** @param {number} day number of days since 1970 */
function dayLabel(day) {
  const date = new Date(day * DAY_MS);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/**
 * @param {number} day
 */
function monthLabel(day) {
  const date = new Date(day * DAY_MS);
  return `${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/**
 * The frame of a chart over time: grid, labels, and where things are.
 * @param {number} top highest value
 * @param {(value: number) => string} show
 * @param {number[]} days first days of the bands
 */
function frame(top, show, days) {
  const ticks = ticksTo(top);
  const highest = ticks[ticks.length - 1];
  const plot = { width: WIDTH - ROOM.left - ROOM.right, height: HEIGHT - ROOM.top - ROOM.bottom };
  const band = plot.width / Math.max(1, days.length);
  const x = (/** @type {number} */ i) => ROOM.left + band * (i + 0.5);
  const y = (/** @type {number} */ value) => ROOM.top + plot.height * (1 - value / highest);
  const grid = ticks.map((tick) => {
    const line = `<line class="grid${tick === 0 ? ' base' : ''}" x1="${ROOM.left}" x2="${WIDTH - ROOM.right}" y1="${at(y(tick))}" y2="${at(y(tick))}"/>`;
    return `${line}<text class="tick" x="${ROOM.left - 8}" y="${at(y(tick) + 4)}" text-anchor="end">${show(tick)}</text>`;
  });
  const long = days.length > 1 && days[days.length - 1] - days[0] > 300;
  const every = Math.max(1, Math.ceil(days.length / (long ? 4 : 5)));
  const labels = days.flatMap((day, i) => {
    // Counted from the newest, which is the one people look for.
    if ((days.length - 1 - i) % every !== 0) return [];
    const anchor = x(i) > WIDTH - 36 ? 'end' : 'middle';
    const place = anchor === 'end' ? WIDTH - ROOM.right : x(i);
    return `<text class="tick" x="${at(place)}" y="${HEIGHT - 7}" text-anchor="${anchor}">${long ? monthLabel(day) : dayLabel(day)}</text>`;
  });
  return { x, y, band, plot, back: grid.join('') + labels.join('') };
}

/**
 * Invisible bands that carry the titles.
 * @param {string[]} titles
 * @param {ReturnType<typeof frame>} place
 */
function hover(titles, { x, band, plot }) {
  return titles
    .map(
      (title, i) =>
        `<rect class="hover" x="${at(x(i) - band / 2)}" y="${ROOM.top}" width="${at(band)}" height="${plot.height}"><title>${html(title)}</title></rect>`,
    )
    .join('');
}

/**
 * @param {string} label what the chart shows, for those who cannot see it
 * @param {string} content
 */
function svg(label, content) {
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${html(label)}">${content}</svg>`;
}

/**
 * Runs of values without a gap, as points.
 * @param {(number | null)[]} values
 * @param {ReturnType<typeof frame>} place
 */
function runs(values, { x, y }) {
  /** @type {[number, number][][]} */
  const found = [];
  let open = false;
  for (const [i, value] of values.entries()) {
    if (value === null) {
      open = false;
      continue;
    }
    if (!open) found.push([]);
    open = true;
    found[found.length - 1].push([x(i), y(value)]);
  }
  return found;
}

/**
 * A line through smoothed values, and a dot for each exact one.
 * @param {{ label: string, days: number[], values: (number | null)[], smooth: (number | null)[],
 *   titles: string[], show: (value: number) => string, top?: number }} chart
 */
function lineChart({ label, days, values, smooth, titles, show, top }) {
  const highest = top ?? Math.max(...values.map((value) => value ?? 0), 0);
  const place = frame(highest, show, days);
  const base = at(place.y(0));
  const lines = runs(smooth, place).map((points) => {
    const path = points.map(([x, y]) => `${at(x)} ${at(y)}`).join('L');
    if (points.length === 1) return '';
    const area = `<path class="area" d="M${at(points[0][0])} ${base}L${path}L${at(points[points.length - 1][0])} ${base}Z"/>`;
    return `${area}<path class="line" d="M${path}"/>`;
  });
  const radius = days.length === 1 ? 5 : Math.min(3, Math.max(1.7, place.band / 4));
  const dots = values.map((value, i) =>
    value === null
      ? ''
      : `<circle class="dot" cx="${at(place.x(i))}" cy="${at(place.y(value))}" r="${at(radius)}"/>`,
  );
  return svg(label, place.back + lines.join('') + dots.join('') + hover(titles, place));
}

/**
 * Bars of two parts: the lower in the first colour, the upper in the second.
 * @param {{ label: string, days: number[], lower: number[], upper: number[], titles: string[],
 *   show: (value: number) => string }} chart
 */
function barChart({ label, days, lower, upper, titles, show }) {
  const place = frame(Math.max(...lower.map((value, i) => value + upper[i]), 0), show, days);
  const width = Math.min(26, Math.max(1, place.band * 0.72));
  const bars = days.map((_, i) => {
    const [x, y0, y1, y2] = [
      place.x(i) - width / 2,
      place.y(0),
      place.y(lower[i]),
      place.y(lower[i] + upper[i]),
    ];
    const bar = (/** @type {string} */ part, /** @type {number} */ from, /** @type {number} */ to) =>
      from - to < 0.05
        ? ''
        : `<rect class="${part}" x="${at(x)}" y="${at(to)}" width="${at(width)}" height="${at(from - to)}" rx="${at(Math.min(2, width / 4))}"/>`;
    return bar('lower', y0, y1) + bar('upper', y1 - (lower[i] > 0 && upper[i] > 0 ? 1 : 0), y2);
  });
  return svg(label, place.back + bars.join('') + hover(titles, place));
}

/**
 * A small line without labels.
 * @param {(number | null)[]} values
 * @param {number} [top]
 */
function sparkChart(values, top = Math.max(...values.map((value) => value ?? 0), 0)) {
  const [width, height] = [120, 30];
  const step = width / Math.max(1, values.length - 1);
  const y = (/** @type {number} */ value) => height - 3 - (top > 0 ? (value / top) * (height - 6) : 0);
  const place = /** @type {ReturnType<typeof frame>} */ ({ x: (i) => i * step, y });
  const lines = runs(values, place).map((points) => {
    const path = points.map(([px, py]) => `${at(px)} ${at(py)}`).join('L');
    const area = `<path class="area" d="M${at(points[0][0])} ${height}L${path}L${at(points[points.length - 1][0])} ${height}Z"/>`;
    return points.length === 1 ? '' : `${area}<path class="line" d="M${path}"/>`;
  });
  return `<svg class="spark" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" aria-hidden="true">${lines.join('')}</svg>`;
}

/**
 * A bar as wide as its share of the highest.
 * @param {number} share from 0 to 1
 */
function shareBar(share) {
  const width = Math.max(0.6, Math.min(1, share || 0) * 100);
  return `<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="10"/><rect class="fill" width="${at(width)}" height="10"/></svg>`;
}

module.exports = { barChart, html, lineChart, shareBar, sparkChart };
