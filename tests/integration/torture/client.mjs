/**
 * A process that does one task of a torture test: `node client.mjs <task> <JSON arguments>`. Its result is one line of
 * JSON.
 */
import * as data from './tasks-data.mjs';
import * as names from './tasks-names.mjs';
import * as pressure from './tasks-pressure.mjs';

const tasks = { ...data, ...names, ...pressure };
const [task, argumentsText] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify((await tasks[task](JSON.parse(argumentsText))) ?? null)}\n`);
