import { runCli } from './app.ts';
import { realProcess } from './process.ts';

void runCli(process.argv.slice(2), realProcess(process));
