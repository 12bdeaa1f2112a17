import * as z from 'zod';

/** What sshd on every host is to be like. */
export const hostSsh = z.strictObject({
  port: z
    .int()
    .min(1)
    .max(65535)
    .optional()
    .meta({
      description:
        'The port sshd is to listen on. It is opened beside the old one, tried from here, and only then is the old one closed; `ssh.port` follows.',
      why: 'Another port keeps most of the scanners out of the log. It is no protection by itself: keys are.',
      byDefault: 'where the host has it',
      wanted: 'a whole number from 1 to 65535',
      examples: [22322],
    }),
  rootLogin: z
    .enum(['keys', 'never'])
    .optional()
    .meta({
      description:
        'How root may log in by ssh: `keys`, or `never`. `never` is refused while Landfall itself logs in as root: give `ssh.user` one whose sudo asks for no password first.',
      why: 'root is the one name everybody can guess. With keys alone there is nothing to guess; with a user of one’s own, the log also says who it was.',
      byDefault: 'as the host has it',
      examples: ['keys'],
    }),
  passwords: z
    .literal(false)
    .optional()
    .meta({
      description: 'Whether sshd takes passwords. Landfall itself never uses one.',
      why: 'A password can be guessed, and on a public address somebody always tries.',
      byDefault: 'as the host has it',
      examples: [false],
    }),
});
