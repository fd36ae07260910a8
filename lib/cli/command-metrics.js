'use strict';

// metrics: rates per day and the rules that cost most, as tables or as a page.

const { writeAtomically } = require('./atomic-file.js');
const { EXIT } = require('./exit-codes.js');
const { FILTER_OPTIONS, checkTimes, chosenEvents, noteMissing } = require('./filters.js');
const { metricsPage } = require('./metrics-page.js');
const { nonEmpty } = require('./options.js');
const { safe } = require('./safe-text.js');
const { counted, fitting, showCount, showRate, showShare, sparkline, table, width } = require('./table.js');
const { Tallies, stretches } = require('./tallies.js');
const { columnsOf, Progress } = require('./terminal.js');
const { showDay } = require('./times.js');

/** @typedef {import('./tallies.js').Tally} Tally */

/** Longest sparkline, and the shortest that tells anything. */
const SPARKS = 40;
const FEW_SPARKS = 10;
/** Longest name of a rule, and what the rest of its row takes. */
const LONGEST_RULE = 40;
const NUMBERS = 48;
/** Rules that the text shows; JSON has all. */
const SHOWN_RULES = 20;
/** Days that the text shows; JSON has all. */
const SHOWN_DAYS = 31;

/** Room for a table; without end in a file or a pipe, where nothing is wrapped. */
const room = () => (process.stdout.isTTY ? columnsOf(process.stdout) : Infinity);

/**
 * Bars for which there is room beside the rest of a table.
 * @param {string[][]} rows the rest
 */
function sparksBeside(rows) {
  const left = room() - Math.max(...table(rows).map(width)) - 2;
  return Math.max(FEW_SPARKS, Math.min(SPARKS, left));
}

/** @param {number | null} value */
const rate = (value) => (value === null ? '–' : showRate(value));
/** @param {number | null} value */
const share = (value) => (value === null ? '–' : showShare(value));

/**
 * @typedef {object} Row of the summary
 * @property {string} label
 * @property {(tally: Tally) => number | null} value
 * @property {(value: number | null) => string} show
 * @property {number} [top] the highest possible value
 */

/** @type {Row[]} */
const SUMMARY = [
  { label: 'Events', value: (t) => t.events, show: (value) => showCount(value ?? 0) },
  { label: 'Violations per 10 events', value: (t) => t.violationRate, show: rate },
  { label: 'Corrected automatically', value: (t) => t.selfCorrectionRate, show: share, top: 1 },
  { label: 'Rework lines per event', value: (t) => t.reworkLines, show: rate },
  { label: 'Outcomes accepted', value: (t) => t.acceptanceRate, show: share, top: 1 },
  { label: 'Tests passed', value: (t) => t.testPassRate, show: share, top: 1 },
];

/**
 * @param {Tallies} tallies
 * @param {import('./terminal.js').Colours} colours
 * @returns {string[]}
 */
function summaryLines(tallies, colours) {
  const totals = SUMMARY.map(({ label, value, show }) => [label, colours.bold(show(value(tallies.total)))]);
  const { step, list } = stretches(tallies, sparksBeside(totals));
  const rows = SUMMARY.map(({ value, top }, i) => [
    ...totals[i],
    colours.cyan(
      sparkline(
        list.map(({ tally }) => (tally.events === 0 ? null : value(tally))),
        top,
      ),
    ),
  ]);
  const head = ['', 'All', step === 1 ? 'A bar a day' : `A bar for ${step} days`];
  return table([head.map(colours.dim), ...rows], ['left', 'right', 'left']);
}

/**
 * @param {Tallies} tallies
 * @param {import('./terminal.js').Colours} colours
 * @returns {string[]}
 */
function dayLines(tallies, colours) {
  const days = tallies.dayList();
  const shown = days.slice(-SHOWN_DAYS);
  const head = [
    'Day (UTC)',
    'Events',
    'Violations/10',
    'Corrected',
    'Rework/event',
    'Accepted',
    'Tests passed',
  ];
  const rows = shown.map(([day, tally]) => [
    showDay(day),
    showCount(tally.events),
    rate(tally.violationRate),
    share(tally.selfCorrectionRate),
    rate(tally.reworkLines),
    share(tally.acceptanceRate),
    share(tally.testPassRate),
  ]);
  const hidden = days.length - shown.length;
  const earlier =
    hidden > 0 ? [colours.dim(`${counted(hidden, 'earlier day')}: --json or --html shows all`)] : [];
  const sides = /** @type {('left' | 'right')[]} */ (head.map((_, i) => (i === 0 ? 'left' : 'right')));
  return [...table(fitting([head.map(colours.dim), ...rows], room()), sides), ...earlier];
}

/**
 * @param {Tallies} tallies
 * @param {import('./terminal.js').Colours} colours
 * @returns {string[]}
 */
function ruleLines(tallies, colours) {
  const ranking = tallies.ranking();
  if (ranking.length === 0) return ['No rule was broken.'];
  const shown = ranking.slice(0, SHOWN_RULES);
  const head = ['Broken rule', 'Times', 'Cost', 'Score', 'Corrected'].map(colours.dim);
  const longest = Math.max(12, Math.min(LONGEST_RULE, room() - NUMBERS));
  const numbers = shown.map(({ ruleId, frequency, cost, score, tally }) => [
    safe(ruleId, longest),
    showCount(frequency),
    rate(cost),
    colours.bold(rate(score)),
    share(tally.corrected / frequency),
  ]);
  const { first, step, list } = stretches(tallies, sparksBeside([head, ...numbers]));
  const trend = (/** @type {Map<number, number>} */ days) => {
    const values = list.map(() => 0);
    for (const [day, count] of days) values[Math.floor((day - first) / step)] += count;
    return sparkline(values);
  };
  const rows = numbers.map((row, i) => [...row, colours.yellow(trend(shown[i].tally.days))]);
  const hidden = ranking.length - rows.length;
  const more = hidden > 0 ? [colours.dim(`${counted(hidden, 'more rule')}: --json shows all`)] : [];
  return [
    ...table(
      [[...head, colours.dim('Trend')], ...rows],
      ['left', 'right', 'right', 'right', 'right', 'left'],
    ),
    ...more,
  ];
}

/** @param {Tallies} tallies */
function asJson(tallies) {
  const rates = (/** @type {Tally} */ tally) => ({
    events: tally.events,
    violations: tally.violations,
    violationRate: tally.violationRate,
    selfCorrectionRate: tally.selfCorrectionRate,
    reworkLines: tally.reworkLines,
    acceptanceRate: tally.acceptanceRate,
    testPassRate: tally.testPassRate,
  });
  return {
    metrics: tallies.metrics(),
    total: rates(tallies.total),
    days: tallies.dayList().map(([day, tally]) => ({ day: showDay(day), ...rates(tally) })),
    intents: [...tallies.intents].map(([intent, tally]) => ({ intent, ...rates(tally) })),
    ranking: tallies.ranking().map(({ tally, ...rank }) => ({ ...rank, corrected: tally.corrected })),
    irregular: tallies.irregular,
    undated: tallies.undated,
  };
}

const { limit: _, ...CHOICE } = FILTER_OPTIONS;

/** @type {import('./options.js').Command} */
module.exports = {
  name: 'metrics',
  summary: 'rates per day and the rules that cost most; --html for charts',
  wordOption: 'dir',
  details: `Days are days of UTC. The cost of a rule is the mean of rework lines in the events that broke it,
its score is cost times frequency. A rate is '–' where there is nothing to count. --html writes one page with
charts that needs nothing else: no network, no script.`,
  options: {
    html: { type: 'string', value: 'FILE', help: 'write a page with charts', read: nonEmpty },
    ...CHOICE,
  },
  examples: [
    ['metrics --since 30d', 'the last thirty days'],
    ['metrics --html metrics.html', 'charts for the browser'],
    ['metrics --json | jq .ranking[0]', 'the rule that costs most'],
  ],
  async run({ options, folder, out, note, colours }) {
    checkTimes(options, 'guidance-ledger metrics');
    noteMissing(folder, note);
    const tallies = new Tallies();
    const progress = new Progress('Read');
    for await (const event of chosenEvents(folder, options)) {
      tallies.add(event);
      progress.step();
    }
    progress.end();
    if (tallies.irregular > 0) note(`${counted(tallies.irregular, 'event')} of irregular shape left out.`);
    if (tallies.undated > 0) note(`${counted(tallies.undated, 'event')} without a time: on no day.`);
    if (options.html !== undefined) {
      const page = metricsPage(tallies, { folder: folder.path, now: Date.now(), options });
      await writeAtomically(options.html, folder, '--html', (write) => write(page));
      note(`Written to ${safe(options.html)}.`);
    }
    if (options.json) await out.json({ folder: folder.path, ...asJson(tallies) });
    else if (options.html === undefined) {
      const blocks = [summaryLines(tallies, colours)];
      if (tallies.days.size > 0) blocks.push(dayLines(tallies, colours));
      if (tallies.total.events > 0) blocks.push(ruleLines(tallies, colours));
      await out.line(blocks.map((lines) => lines.join('\n')).join('\n\n'));
    }
    return EXIT.done;
  },
};
