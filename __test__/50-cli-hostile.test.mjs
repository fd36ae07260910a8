/** The tool on logs that were written to harm: nothing reaches a terminal that it might obey, and nothing crashes. */
import { appendFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cli, cliInTerminal, folderOf, noTerminal, parsed } from './support/cli.mjs';
import { paths } from './support/disk.mjs';
import { runEvent, violation } from './support/events.mjs';
import { buildEvents } from './support/hostile-log.mjs';

