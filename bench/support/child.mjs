// One trial's contender in a process of its own: runs it and prints its measurements as one line of JSON.
//
// node --expose-gc child.mjs <trial> <contender | "prepare"> <JSON of the context>

const [trialName, contender, contextJson] = process.argv.slice(2);
const { default: trial } = await import(`../trials/${trialName}.mjs`);
const context = JSON.parse(contextJson);
const run = contender === 'prepare' ? trial.prepare : trial.contenders[contender];
const result = await run(context);
// Some contenders leave timers or native threads behind; what counts has been measured.
process.stdout.write(`\n${JSON.stringify(result ?? null)}\n`, () => process.exit(0));
