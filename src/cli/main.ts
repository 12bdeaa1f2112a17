#!/usr/bin/env node
import { runCli } from './app.ts';
import { realProcess } from './process.ts';

await runCli(process.argv.slice(2), realProcess(process));
