/** Writes a text as a YAML value: plain where every YAML version reads it as the same text, else in double quotes. */
export function scalar(value: string): string {
  const plain = /^[A-Za-z_/][\w./@-]*(:\d+)?$/.test(value) || /^\d+\.\d+\.\d+[\w./-]*$/.test(value);
  // YAML 1.1 takes `e0` for a number that has lost its digits.
  const word = /^(y|n|yes|no|on|off|true|false|null|e\d+)$/i.test(value);
  return plain && !word ? value : JSON.stringify(value);
}
