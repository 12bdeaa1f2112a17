import { describe, expect, test } from 'vitest';
import { alternatives } from './pattern.ts';

describe('a pattern as a reader understands it', () => {
  test.each<[RegExp, readonly string[]]>([
    [/br_netfilter not found/, ['br_netfilter not found']],
    [/toomanyrequests|rate limit/i, ['toomanyrequests', 'rate limit']],
    [/\b(404|403)\b/, ['404', '403']],
    [/^\[ERROR (NumCPU|Mem)\]/, ['[ERROR NumCPU]', '[ERROR Mem]']],
    [/cannot (move|remove) .*busy/, ['cannot move … busy', 'cannot remove … busy']],
    [/^the cluster has (?!no )/, ['the cluster has']],
    [/^\S+ carries \d+ bytes$/, ['… carries N bytes']],
    [/failed to find plugin "([^"]+)" in path/, ['failed to find plugin "…" in path']],
    [/\[WARNING HTTPProxy(CIDR)?\]/, ['[WARNING HTTPProxy]']],
    [/:[0-9]+: *(Port|ListenAddress)/i, [':N: Port', ':N: ListenAddress']],
    [/stat \/var\/lib\/calico\/nodename: no such file/, ['stat /var/lib/calico/nodename: no such file']],
    [/(a|b|c) .*(d|e|f)/, ['a … (d|e|f)', 'b … (d|e|f)', 'c … (d|e|f)']],
    [/one (two|three\|four)/, ['one two', 'one three|four']],
  ])('%s', (pattern, shown) => {
    expect(alternatives(pattern)).toEqual(shown);
  });
});
