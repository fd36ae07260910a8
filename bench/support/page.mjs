// docs/benchmarks.md.

/** Three significant digits. */
export function figure(value) {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString('en-US', {
    maximumFractionDigits: Math.min(digits, 4),
    minimumFractionDigits: 0,
  });
}

/** Whether a target is reached, and how near it is. */
export function verdict(target, results) {
  const value = target.of(results);
  const limit = target.atLeast ?? target.atMost;
  const sign = target.atLeast === undefined ? '≤' : '≥';
  const reached = target.atLeast === undefined ? value <= limit : value >= limit;
  return { what: target.what, value, goal: `${sign} ${figure(limit)}${target.unit ?? ''}`, reached };
}

function table(header, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** One trial's part of the page. */
export function section(trial, results) {
  const units = trial.unit ?? {};
  const keys = [...new Set(results.contenders.flatMap((contender) => results.keys(contender)))];
  const measured = table(
    ['', ...keys.map((key) => units[key] ?? key)],
    results.contenders.map((contender) => [
      contender,
      ...keys.map((key) => figure(results.median(contender, key))),
    ]),
  );
  const targets = table(
    ['ratio', 'measured', 'to reach', ''],
    (trial.targets ?? []).map((target) => {
      const { what, value, goal, reached } = verdict(target, results);
      return [what, figure(value), goal, reached ? 'reached' : '**missed**'];
    }),
  );
  const note = trial.note === undefined ? '' : `${trial.note}\n\n`;
  return `## ${trial.title}\n\n${note}${measured}\n\n${targets}\n`;
}

export function page(done, about) {
  const versions = Object.entries(about.versions).map(([name, version]) => `${name} ${version}`);
  return `# Benchmarks

Medians of several rounds. Each contender runs in a process and a folder of its own, in turn with the others, so a ratio
compares what ran within seconds of each other; it is the median of the rounds' ratios. Times depend on the machine;
the ratios are the result. Events are about 520 bytes of JSON, every fifth with a violation. Where the time of the two
hot paths goes is in bench/profile.md, in the repository.

![The ratios as bars](benchmarks.svg)

A bar begins at the goal, the mark; to the right is better, by the factor, on a logarithmic scale.

${done.map(({ trial, results }) => section(trial, results)).join('\n')}
## The run

- Machine: ${about.processor}, ${about.memory}, ${about.system}, Node ${about.node}
- Rivals: ${versions.join(', ')}
- Command: \`${about.command}\`
- Date: ${about.date}
`;
}
