// Tells what V8 makes of lines. Each line of standard input is a line of a log in hexadecimal; for each, one line of
// text goes to standard output, in the form of `describe` in line_twin.rs.
//
// Uses globals only, so that it runs as CommonJS and as an ES module.

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const bits = (value) =>
  typeof value === 'number' ? new BigUint64Array(Float64Array.of(value).buffer)[0].toString(16) : '-';

function stringify(value) {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return 'too deep to write';
    throw error;
  }
}

function task(event) {
  if (!Object.hasOwn(event, 'taskId')) return '-\t';
  const text = stringify(event.taskId);
  return typeof event.taskId === 'string' ? `${text}\t` : `other\t${text}`;
}

function violations(list) {
  const regular =
    Array.isArray(list) &&
    list.every(
      (entry) =>
        isObject(entry) &&
        typeof entry.ruleId === 'string' &&
        (!Object.hasOwn(entry, 'autoCorrected') || typeof entry.autoCorrected === 'boolean'),
    );
  if (!regular) return '-';
  return `[${list.map((entry) => `${JSON.stringify(entry.ruleId)}:${entry.autoCorrected === true}`).join()}]`;
}

function verdict(bytes) {
  const text = bytes.toString('utf8').trim();
  if (text === '') return 'blank';
  let event;
  try {
    event = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return 'malformed';
    throw error;
  }
  if (!isObject(event)) return 'malformed';
  return [
    'event',
    typeof event.eventId === 'string' ? JSON.stringify(event.eventId) : '-',
    bits(event.timestamp),
    bits(event.reworkLines),
    violations(event.violations),
    task(event),
  ].join('\t');
}

const chunks = [];
process.stdin.on('data', (chunk) => chunks.push(chunk));
process.stdin.on('end', () => {
  const lines = Buffer.concat(chunks).toString('latin1').split('\n');
  lines.pop();
  process.stdout.write(lines.map((line) => `${verdict(Buffer.from(line, 'hex'))}\n`).join(''));
});
