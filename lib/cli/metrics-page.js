'use strict';

// The page of `metrics --html`: one file, with charts, that needs neither network nor script.

const { barChart, html, lineChart, shareBar, sparkChart } = require('./chart.js');
const STYLE = require('./metrics-style.js');
const { safe } = require('./safe-text.js');
const { counted, showCount, showRate, showShare } = require('./table.js');
const { Tally, merge, stretches } = require('./tallies.js');
const { showDay, showTime } = require('./times.js');

/** @typedef {import('./tallies.js').Tallies} Tallies */
/** @typedef {import('./tallies.js').Stretch} Stretch */
/**
 * @typedef {object} Measure
 * @property {string} name
 * @property {string} hue
 * @property {(tally: Tally) => number | null} value
 * @property {(value: number) => string} show
 * @property {number} [top] the highest possible value; 1 for shares
 * @property {number} better whether more is better (1), worse (-1) or neither
 */

/** Bands that a chart has room for. */
const BANDS = 92;
/** Stretches that a smoothed value looks back on, itself included. */
const LOOK_BACK = 7;
const SHOWN_RULES = 15;

/** @type {Measure[]} */
const MEASURES = [
  { name: 'Events', hue: 'blue', value: (t) => t.events, show: showCount, better: 0 },
  { name: 'Violations per 10 events', hue: 'red', value: (t) => t.violationRate, show: showRate, better: -1 },
  {
    name: 'Corrected automatically',
    hue: 'green',
    value: (t) => t.selfCorrectionRate,
    show: showShare,
    top: 1,
    better: 1,
  },
  { name: 'Rework lines per event', hue: 'violet', value: (t) => t.reworkLines, show: showRate, better: -1 },
  {
    name: 'Outcomes accepted',
    hue: 'amber',
    value: (t) => t.acceptanceRate,
    show: showShare,
    top: 1,
    better: 1,
  },
];

/** @param {number} tick */
const showTick = (tick) => Number(tick.toFixed(2)).toLocaleString('en');

/**
 * The sum of the stretches `[from, to)`.
 * @param {Stretch[]} list
 * @param {number} from
 * @param {number} to
 */
function sumOf(list, from, to) {
  const sum = new Tally();
  for (const { tally } of list.slice(Math.max(0, from), to)) merge(sum, tally);
  return sum;
}

/**
 * How the last seven days compare with the seven before.
 * @param {Tallies} tallies
 * @param {Measure} measure
 */
function change(tallies, { value, better, top }) {
  const days = tallies.dayList();
  const newest = days.at(-1)?.[0] ?? 0;
  const within = (/** @type {number} */ from, /** @type {number} */ to) => {
    const sum = new Tally();
    for (const [day, tally] of days) if (day > newest - from && day <= newest - to) merge(sum, tally);
    return value(sum);
  };
  const [now, before] = [within(7, 0), within(14, 7)];
  if (now === null || before === null || (before === 0 && top === undefined)) return '';
  // Of shares the difference is told: 50 % after 40 % is 10 points more, not a quarter.
  const isShare = top !== undefined;
  const more = Math.round((isShare ? now - before : now / before - 1) * 100);
  if (more === 0) return 'unchanged week on week';
  const verdict = better === 0 ? '' : Math.sign(more) === better ? 'better' : 'worse';
  const arrow = more > 0 ? '▲' : '▼';
  const size = isShare ? counted(Math.abs(more), 'point') : `${showCount(Math.abs(more))} %`;
  return `<span class="${verdict}">${arrow} ${size}</span> week on week`;
}

/**
 * @param {Tallies} tallies
 * @param {Measure} measure
 * @param {Stretch[]} list
 */
function tile(tallies, measure, list) {
  const value = measure.value(tallies.total);
  const smooth = list.map((_, i) => measure.value(sumOf(list, i - LOOK_BACK + 1, i + 1)));
  return `<div class="card tile ${measure.hue}"><span class="name">${measure.name}</span>
<span class="value">${value === null ? '–' : measure.show(value)}</span>
${list.length > 1 ? `<span class="change">${change(tallies, measure)}</span>${sparkChart(smooth, measure.top)}` : ''}</div>`;
}

/**
 * @param {Stretch} stretch
 * @param {number} step
 */
function stretchName({ first }, step) {
  return step === 1 ? showDay(first) : `${showDay(first)} to ${showDay(first + step - 1)}`;
}

/**
 * @param {Measure} measure
 * @param {Stretch[]} list
 * @param {number} step
 */
function measureFigure({ name, hue, value, show, top }, list, step) {
  const values = list.map(({ tally }) => value(tally));
  const smooth = list.map((_, i) => value(sumOf(list, i - LOOK_BACK + 1, i + 1)));
  const titles = list.map((stretch, i) => {
    const exact = values[i];
    return `${stretchName(stretch, step)}: ${exact === null ? 'none' : show(exact)} (${counted(stretch.tally.events, 'event')})`;
  });
  const unit = step === 1 ? 'day' : `${step} days`;
  const chart = lineChart({
    label: `${name} over time`,
    days: list.map(({ first }) => first),
    values,
    smooth,
    titles,
    show: top === 1 ? showShare : showTick,
    top,
  });
  const line = list.length > 1 ? `; the line is the mean of ${LOOK_BACK}` : '';
  return `<figure class="card ${hue}"><h2>${name}</h2><p class="sub">A dot for each ${unit}${line}</p>${chart}</figure>`;
}

/**
 * @param {Stretch[]} list
 * @param {number} step
 */
function eventsFigure(list, step) {
  const chart = barChart({
    label: 'Events over time, those with violations on top',
    days: list.map(({ first }) => first),
    lower: list.map(({ tally }) => tally.events - tally.broken),
    upper: list.map(({ tally }) => tally.broken),
    titles: list.map(
      (stretch) =>
        `${stretchName(stretch, step)}: ${counted(stretch.tally.events, 'event')}, ${showCount(stretch.tally.broken)} with violations`,
    ),
    show: showTick,
  });
  const key = `<span class="key"><i></i>clean</span><span class="key"><i class="hue"></i>with violations</span>`;
  return `<figure class="card blue"><h2>Events per ${step === 1 ? 'day' : `${step} days`}</h2><p class="sub">${key}</p>${chart}</figure>`;
}

/**
 * @param {Tallies} tallies
 * @param {ReturnType<typeof stretches>} time
 */
function rulesCard(tallies, { first, step, list }) {
  const ranking = tallies.ranking();
  if (ranking.length === 0) return '';
  const [{ score: highest }] = ranking;
  const rows = ranking.slice(0, SHOWN_RULES).map(({ ruleId, frequency, cost, score, tally }) => {
    const counts = list.map(() => 0);
    for (const [day, count] of tally.days) counts[Math.floor((day - first) / step)] += count;
    const smooth = counts.map((_, i) => {
      const recent = counts.slice(Math.max(0, i - LOOK_BACK + 1), i + 1);
      return recent.reduce((a, b) => a + b, 0) / recent.length;
    });
    return `<tr><td class="name">${html(safe(ruleId, 80))}</td><td class="bar">${shareBar(highest > 0 ? score / highest : 0)}</td>
<td class="n">${showRate(score)}</td><td class="n">${showCount(frequency)}</td><td class="n">${showRate(cost)}</td>
<td class="n">${showShare(tally.corrected / frequency)}</td>${list.length > 1 ? `<td class="trend">${sparkChart(smooth)}</td>` : ''}</tr>`;
  });
  const hidden = ranking.length - rows.length;
  const more = hidden > 0 ? ` ${counted(hidden, 'more rule')} not shown.` : '';
  return `<section class="card wide red"><h2>Rules that cost most</h2>
<p class="sub">Score is how often a rule was broken times the mean rework lines of those events.${more}</p>
<div class="scroll"><table><thead><tr><th>Rule</th><th></th><th class="n">Score</th><th class="n">Broken</th><th class="n">Rework</th>
<th class="n">Corrected</th>${list.length > 1 ? '<th class="trend">Trend</th>' : ''}</tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`;
}

/** @param {Tallies} tallies */
function intentsCard(tallies) {
  const intents = [...tallies.intents].sort(([, a], [, b]) => b.events - a.events).slice(0, SHOWN_RULES);
  const most = intents[0]?.[1].events ?? 1;
  const rows = intents.map(
    ([intent, tally]) =>
      `<tr><td class="name">${html(safe(intent, 40))}</td><td class="bar">${shareBar(tally.events / most)}</td>
<td class="n">${showCount(tally.events)}</td><td class="n">${showRate(tally.violationRate ?? 0)}</td><td class="n">${showRate(tally.reworkLines ?? 0)}</td>
<td class="n">${tally.testPassRate === null ? '–' : showShare(tally.testPassRate)}</td></tr>`,
  );
  return `<section class="card wide blue"><h2>Kinds of work</h2><div class="scroll"><table><thead><tr><th>Kind</th><th></th><th class="n">Events</th>
<th class="n">Violations per 10</th><th class="n">Rework</th><th class="n">Tests passed</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`;
}

/** @param {Tallies} tallies */
function daysCard(tallies) {
  const cell = (/** @type {number | null} */ value, /** @type {(value: number) => string} */ show) =>
    `<td class="n">${value === null ? '–' : show(value)}</td>`;
  const rows = tallies
    .dayList()
    .reverse()
    .map(
      ([day, tally]) =>
        `<tr><td>${showDay(day)}</td>${MEASURES.map(({ value, show }) => cell(value(tally), show)).join('')}</tr>`,
    );
  const head = MEASURES.map(({ name }) => `<th class="n">${name}</th>`).join('');
  return `<details class="card wide"><summary>All days</summary><div class="scroll"><table><thead><tr><th>Day (UTC)</th>${head}</tr></thead>
<tbody>${rows.join('')}</tbody></table></div></details>`;
}

/** @param {Tallies} tallies */
function spanText(tallies) {
  const days = tallies.dayList();
  if (days.length === 0) return 'no events';
  const [first, last] = [showDay(days[0][0]), showDay(days[days.length - 1][0])];
  return first === last ? `${first} (UTC)` : `${first} to ${last} (UTC)`;
}

/**
 * Why there is nothing to be drawn.
 * @param {Tallies} tallies
 * @param {Record<string, any>} options
 */
function emptyText({ total }, { since, until, task, session, intent }) {
  if (total.events > 0) return 'No event has a time.';
  const chosen = [since, until, task, session, intent].some((value) => value !== undefined);
  return chosen ? 'No event matches.' : 'Nothing was recorded here yet.';
}

/** @param {Record<string, any>} options */
function filterText({ task, session, intent }) {
  return [task && `task ${task}`, session && `session ${session}`, intent && `kind of work ${intent}`]
    .filter(Boolean)
    .map((text) => ` · ${html(safe(text, 80))}`)
    .join('');
}

/**
 * @param {Tallies} tallies
 * @param {{ folder: string, now: number, options: Record<string, any> }} about
 * @returns {string}
 */
function metricsPage(tallies, { folder, now, options }) {
  const time = stretches(tallies, BANDS);
  const { step, list } = time;
  const [, violations, corrected, rework] = MEASURES;
  const left = [
    tallies.irregular > 0 ? `${counted(tallies.irregular, 'event')} of irregular shape left out.` : '',
    tallies.undated > 0 ? `${counted(tallies.undated, 'event')} without a time.` : '',
  ].join(' ');
  const body =
    list.length === 0
      ? `<div class="card empty">${emptyText(tallies, options)}</div>`
      : `<div class="tiles">${MEASURES.map((measure) => tile(tallies, measure, list)).join('')}</div>
<div class="grid-2">${measureFigure(violations, list, step)}${eventsFigure(list, step)}${measureFigure(corrected, list, step)}${measureFigure(rework, list, step)}</div>
${rulesCard(tallies, time)}${intentsCard(tallies)}${daysCard(tallies)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Guidance metrics</title><style>${STYLE}</style></head><body><main>
<header><h1>Guidance metrics</h1><p>${spanText(tallies)}${filterText(options)} · <code>${html(safe(folder))}</code></p></header>
${body}
<footer>Written ${showTime(now)} from the event log. ${left}</footer>
</main></body></html>
`;
}

module.exports = { metricsPage };
