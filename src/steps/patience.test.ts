import { describe, expect, it } from 'vitest';
import { allSteps } from '../cli/list.ts';
import { sh } from '../shell/sh.ts';
import { patient } from './patience.ts';
import type { Step } from './step.ts';

const api = { name: 'api', run: sh`echo ok` };
const asked = { name: 'nodes', run: sh`:`, needs: { probe: api, said: 'ok' } };
const part = { name: 'node', run: sh`:`, partOf: { probe: asked, filter: sh`cat` } };
const step = (more: Partial<Step>): Step =>
  ({ id: 'record/applied', title: 'x', why: 'x', read: sh`:`, want: 'x', make: sh`:`, ...more }) as Step;

describe('what is read from the API server after it was made', () => {
  it.each([
    ['itself', api],
    ['by way of another probe', asked],
    ['as a part of one', part],
  ])('is asked for again for a while: asked %s', (_, probe) => {
    expect(patient(step({ probes: [probe] }))).toMatchObject({ within: 30, awaits: 'the API server' });
  });

  it('has its own time where the step gives one', () => {
    expect(patient(step({ probes: [api], within: 240, awaits: 'etcd' }))).toMatchObject({
      within: 240,
      awaits: 'etcd',
    });
  });

  it('is made again when nobody answered in time, unless that restarts something', () => {
    const again = (more: Partial<Step>): RegExp =>
      new RegExp(patient(step({ probes: [api], ...more })).again ?? '^\\b$');
    const saw =
      'Unable to connect to the server: context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
    for (const words of [
      saw,
      'error: unexpected error when reading response body. Please retry. Original error: net/http: request canceled (Client.Timeout or context cancellation while reading body)',
      'error: unexpected error when reading response body. Please retry. Original error: read tcp 10.0.0.14:52832->10.0.0.10:6443: read: connection reset by peer',
      'Unable to connect to the server: unexpected EOF',
      'Unable to connect to the server: http2: client connection lost',
      'Error from server (Timeout): the server was unable to return a response in the time allotted',
      'Error from server: etcdserver: request timed out',
    ])
      expect(words).toMatch(again({}));
    expect('Error from server (Forbidden): secrets "a" is forbidden').not.toMatch(again({}));
    expect(saw).not.toMatch(again({ disturbs: 'service' }));
  });

  it('is asked for once where nothing is made, or nothing asks the API server', () => {
    const { make: _, ...check } = step({ probes: [api] });
    expect(patient(check).within).toBeUndefined();
    expect(patient(step({ probes: [{ name: 'files', run: sh`:` }] })).within).toBeUndefined();
  });

  it('has time in every step of the list', () => {
    const hasty = allSteps().flatMap(({ step: { id, make, within, read } }) =>
      make !== undefined && within === undefined && read.text.includes('--kubeconfig=') ? [id] : [],
    );
    expect(hasty).toEqual([]);
  });
});
