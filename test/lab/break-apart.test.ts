import { isOfHost, oneBroken } from './one-broken.ts';
import { preparedLab } from './prepared.ts';

/* What the cluster itself keeps, broken so that nothing else can be beside it, or that somebody else has to mend it: what apply waits for, and what only hands make right. */

const { living } = oneBroken('test-break-apart', (one) => !isOfHost(one), preparedLab);

living('alone', 'left');
