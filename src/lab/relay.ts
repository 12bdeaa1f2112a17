/**
 * A program that joins its standard input and output to a TCP port, for ssh's ProxyCommand: `perl relay.pl HOST PORT`.
 * Perl, because every Debian has it (perl-base is essential) and a netcat only some; and because it can say what went
 * wrong in OpenSSH's own words, so that whoever reads ssh's errors sees on lab hosts what they see on real ones. It gives
 * up on a host that does not answer before ssh, whose patience is 10 s here, gives up on it without a word.
 */
export const RELAY = String.raw`use strict;
use Errno qw(ETIMEDOUT);
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY SHUT_WR);
my ($host, $port) = @ARGV;
sub fail { print STDERR "ssh: connect to host $host port $port: $!\r\n"; exit 255 }
socket(my $s, PF_INET, SOCK_STREAM, getprotobyname('tcp') || 6) or fail();
$SIG{ALRM} = sub { $! = ETIMEDOUT; fail() };
alarm 8;
connect($s, sockaddr_in($port, inet_aton($host))) or fail();
alarm 0;
setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1);
$SIG{PIPE} = 'IGNORE';
my ($in, $up, $down) = (1, '', '');
my ($fs, $fi) = (fileno($s), fileno(STDIN));
while (1) {
  my $r = '';
  vec($r, $fs, 1) = 1;
  vec($r, $fi, 1) = 1 if $in;
  select($r, undef, undef, undef) > 0 or next;
  if (vec($r, $fs, 1)) {
    my $n = sysread($s, $down, 65536);
    last unless $n;
    put(*STDOUT, $down) or last;
  }
  if ($in && vec($r, $fi, 1)) {
    my $n = sysread(STDIN, $up, 65536);
    if ($n) { put($s, $up) or last }
    else { $in = 0; shutdown($s, SHUT_WR) }
  }
}
sub put {
  my ($to, $text) = @_;
  while (length $text) {
    my $n = syswrite($to, $text);
    return 0 unless defined $n;
    substr($text, 0, $n) = '';
  }
  return 1;
}
`;
