import { test } from 'vitest';
import { isOfHost, oneBroken } from './one-broken.ts';
import { preparedLab } from './prepared.ts';

/* The second half of break-host.test.ts: what the cluster itself keeps. */

const { sound, living } = oneBroken('test-break-cluster', (one) => !isOfHost(one), preparedLab);

test('every break of this half can be mended', () => sound());

living();
