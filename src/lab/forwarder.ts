/**
 * A program that listens on 127.0.0.1, a port for each host, and joins every connection to a program of its own:
 *
 *     perl forwarder.pl STATE WISH:ADDRESS:PORT… -- COMMAND…
 *
 * runs `COMMAND… ADDRESS PORT` for a connection to the port WISH, with the connection as its standard input and output.
 * Where WISH is taken the kernel chooses another port. Once all of them are open, STATE holds the process id and, by
 * address, the ports. Each connection has a process of its own, as with inetd: it goes to the hosts' network and stays
 * there, while this one listens in the machine's. Perl, because every Debian has it and it takes 5 MB, not 50.
 */
export const FORWARDER = String.raw`use strict;
use Errno qw(EADDRINUSE);
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY);
my ($state, @words) = @ARGV;
my (@doors, @ports);
while (@words and (my $word = shift @words) ne '--') {
  my ($wish, $address, $port) = split /:/, $word;
  my $door = opened($wish) || opened(0);
  push @doors, [$door, $address, $port];
  push @ports, sprintf '"%s":%d', $address, (unpack_sockaddr_in(getsockname($door)))[0];
}
my $text = sprintf "{\"pid\":%d,\"ports\":{%s}}\n", $$, join ',', @ports;
open(my $out, '>', "$state.part") or die "$state.part: $!\n";
print $out $text;
close($out) && rename("$state.part", $state) or die "$state: $!\n";
$SIG{CHLD} = 'IGNORE';
my $all = '';
vec($all, fileno($_->[0]), 1) = 1 for @doors;
while (1) {
  select(my $ready = $all, undef, undef, undef) > 0 or next;
  join_next(@$_) for grep { vec($ready, fileno($_->[0]), 1) } @doors;
}
sub opened {
  my ($port) = @_;
  socket(my $door, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
  setsockopt($door, SOL_SOCKET, SO_REUSEADDR, 1);
  return $door if bind($door, pack_sockaddr_in($port, INADDR_LOOPBACK)) && listen($door, 128);
  die "127.0.0.1:$port: $!\n" unless $port && $! == EADDRINUSE;
  return undef;
}
sub join_next {
  my ($door, $address, $port) = @_;
  accept(my $caller, $door) or return;
  my $child = fork;
  return if !defined $child || $child > 0;
  $SIG{CHLD} = 'DEFAULT';
  setsockopt($caller, IPPROTO_TCP, TCP_NODELAY, 1);
  open(STDIN, '<&', $caller) && open(STDOUT, '>&', $caller) && exec(@words, $address, $port);
  die "$words[0]: $!\n";
}
`;
