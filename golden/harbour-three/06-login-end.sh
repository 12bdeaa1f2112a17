#!/bin/sh
# harbour · cp-0 · Close the other ways in

# A record: the byte 036 octal, the step's number, a word, and texts in base64. All else on the stream is output.
say() { printf '\036%s\n' "$*"; }
b64() { [ -z "$1" ] || printf '%s' "$1" | base64 -w0; }

# A probe is run once, however many readings ask for it, until a step is made. What it complains about, it tells each of them; and when
# timeout has ended it, which says nothing, that.
probe() {
  [ -e "$tmp/probes/$1.over" ] || {
    "probe_$1" >"$tmp/probes/$1" 2>"$tmp/probes/$1.note" || [ $? -ne 124 ] || echo 'no answer in time' >>"$tmp/probes/$1.note"
    : >"$tmp/probes/$1.over"
  }
  [ ! -s "$tmp/probes/$1.note" ] || cat "$tmp/probes/$1.note" >&2
  cat "$tmp/probes/$1"
}

# What the reading of step $1 prints now, in $reading; what it complains about, in $tmp/note.
look() { reading=$("read_$1" 2>"$tmp/note" </dev/null); }
note() { tail -c 2000 "$tmp/note" | base64 -w0; }

slot() { cat "$tmp/slots/$1"; }
gave() { [ -e "$given/$1" ]; }
give() { ( umask 077; mkdir -p "$given"; printf '%s' "$2" >"$given/.$1"; mv "$given/.$1" "$given/$1" ); }

stopped=
# Seconds that no setting of the clock moves, where the system has them.
clock() { if [ -r /proc/uptime ]; then IFS='. ' read -r t _ </proc/uptime; else t=$(date +%s); fi; }
# Makes step $1, and leaves in $status how it ended. What may be made again is, when it has failed with the words of that, for up to $2
# seconds.
bring() {
  eval "again=\${again_$1-}"
  if [ -z "$again" ]; then ( set -eu; "make_$1" ) </dev/null 2>&1; status=$?; return; fi
  clock; begun=$t
  while :; do
    { ( set -eu; "make_$1" ) </dev/null 2>&1; echo "$?" >"$tmp/status"; } | tee "$tmp/said"
    status=$(cat "$tmp/status"); clock
    if [ "$status" -eq 0 ] || [ -e "$stop" ] || [ $((t - begun)) -ge "$2" ] || ! grep -qE -e "$again" "$tmp/said"; then break; fi
    echo 'no answer in time: it is made again'; sleep 1
  done
  rm -f "$tmp/said"
}
# step NUMBER make|check SECONDS: look; when it is not as wanted, make it; look again until it is or the time is over, soon at
# first and then every second.
step() {
  n=$1; kind=$2; within=$3
  if [ -e "$stop" ]; then say "$n" skipped stop; return; fi
  if [ "$stopped" = make ] || { [ -n "$stopped" ] && [ "$kind" = make ]; }; then say "$n" skipped; return; fi
  look "$n"; eval "want=\$want_$n"
  if [ "$reading" = "$want" ]; then say "$n" right; return; fi
  if [ "$kind" = make ]; then
    say "$n" differs "$(b64 "$reading")" "$(note)"
    bring "$n" "$within"
    rm -f "$tmp"/probes/*
    look "$n"
    if [ "$status" -ne 0 ]; then say "$n" failed "$status" "$(b64 "$reading")" "$(note)"; stopped=make; return; fi
  fi
  clock; begun=$t; waited=0; told=-10; last=; pause=0.2
  while [ "$reading" != "$want" ] && [ "$waited" -lt "$within" ]; do
    if [ "$reading" != "$last" ] || [ $((waited - told)) -ge 10 ]; then
      say "$n" waiting "$waited" "$(b64 "$reading")" "$(note)"; last=$reading; told=$waited
    fi
    if [ -e "$stop" ]; then break; fi
    sleep "$pause"; rm -f "$tmp"/probes/*; look "$n"
    case $pause in 0.2) pause=0.4 ;; 0.4) pause=0.7 ;; *) pause=1 ;; esac
    clock; waited=$((t - begun))
  done
  if [ "$reading" = "$want" ]; then if [ "$kind" = make ]; then say "$n" made; else say "$n" right; fi
  elif [ "$kind" = make ]; then say "$n" unproven "$(b64 "$reading")" "$(note)"; stopped=make
  else say "$n" wrong "$(b64 "$reading")" "$(note)"; if [ -z "$stopped" ]; then stopped=check; fi; fi
}

# ── 1 firewall/unit: Say how the rules are loaded at boot
# They are there before the network is. Stopping the unit opens the host: systemctl stop landfall-firewall is the way out for who sits at the machine.
read_1() {
{ stat -c '%04a %U:%G' /etc/systemd/system/landfall-firewall.service && cat /etc/systemd/system/landfall-firewall.service; } 2>/dev/null || echo absent
}
want_1='0644 root:root
# Written by Landfall: loads the rules of the host'\''s firewall (firewall in cluster.yaml).
[Unit]
Description=Landfall: the firewall of this host
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target
# Where nftables.service is used it empties all tables first.
After=nftables.service local-fs.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/landfall/firewall.nft
ExecStop=-/usr/sbin/nft delete table inet landfall
[Install]
WantedBy=sysinit.target'
make_1() {
mkdir -p /etc/systemd/system
umask 077
cat >/etc/systemd/system/.landfall-firewall.service.landfall <<'END'
# Written by Landfall: loads the rules of the host's firewall (firewall in cluster.yaml).
[Unit]
Description=Landfall: the firewall of this host
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target
# Where nftables.service is used it empties all tables first.
After=nftables.service local-fs.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/landfall/firewall.nft
ExecStop=-/usr/sbin/nft delete table inet landfall
[Install]
WantedBy=sysinit.target
END
chmod 0644 /etc/systemd/system/.landfall-firewall.service.landfall
chown root:root /etc/systemd/system/.landfall-firewall.service.landfall
sync /etc/systemd/system/.landfall-firewall.service.landfall
mv -fT /etc/systemd/system/.landfall-firewall.service.landfall /etc/systemd/system/landfall-firewall.service
}

# ── 2 firewall/settled: Keep the rules
# Somebody has come in under them by a connection of its own, and nodes reach each other. Only now are they written down for the next boot, and the timer that would take them back is stopped. Until then a reboot brings back the rules of before, or none.
read_2() {
if cmp -s /etc/landfall/firewall.nft - <<'END'
# Written by Landfall: who may reach this host (firewall: enforce in cluster.yaml).
table inet landfall
delete table inet landfall
table inet landfall {
	set nodes {
		type ipv4_addr
		elements = { 10.0.0.11, 10.0.0.12, 10.0.0.13, 10.0.0.21 }
	}
	set planes {
		type ipv4_addr
		elements = { 10.0.0.11, 10.0.0.12, 10.0.0.13 }
	}
	set seen4 {
		type ipv4_addr . inet_proto . inet_service
		size 4096
		flags dynamic,timeout
		timeout 1d
	}
	set seen6 {
		type ipv6_addr . inet_proto . inet_service
		size 4096
		flags dynamic,timeout
		timeout 1d
	}
	chain input {
		type filter hook input priority filter; policy accept;
		ct state established,related accept
		iif "lo" accept
		meta l4proto { icmp, ipv6-icmp } accept comment "errors, sizes of packets, neighbours, pings"
		udp sport 67 udp dport 68 accept comment "DHCP"
		udp sport 547 udp dport 546 accept comment "DHCPv6"
		ip saddr { 192.0.2.0/24 } tcp dport { 22, 22322 } accept comment "sshd"
		ip saddr @nodes tcp dport 9100 accept comment "allowed in cluster.yaml"
		ip saddr { 192.0.2.0/24 } tcp dport 6443 accept comment "API server"
		ip saddr @nodes tcp dport 6443 accept comment "API server, from nodes"
		ip saddr @planes tcp dport 2379-2380 accept comment "etcd, from control planes"
		tcp dport 2379-2381 goto rest
		ip saddr @planes meta l4proto 112 accept comment "VRRP, between control planes"
		meta l4proto 112 goto rest
		ip saddr 10.244.0.0/16 accept comment "pods"
		ip saddr @nodes tcp dport 10250 accept comment "kubelet, from nodes"
		ip saddr @nodes udp dport 8472 accept comment "packets of pods, flannel, from nodes"
		meta l4proto { tcp, udp } th dport 30000-32767 accept comment "NodePorts"
		jump rest
	}
	chain rest {
		meta pkttype { broadcast, multicast } drop
		meta l4proto { tcp, udp } update @seen4 { ip saddr . meta l4proto . th dport counter }
		meta l4proto { tcp, udp } update @seen6 { ip6 saddr . meta l4proto . th dport counter }
		counter drop
	}
}
END
then echo 'at boot: these'; elif [ -e /etc/landfall/firewall.nft ]; then echo 'at boot: others'; else echo 'at boot: none'; fi
systemctl show -p ActiveState,UnitFileState landfall-firewall.service | sort
if [ -e /run/landfall-firewall/armed ]; then echo 'to be taken back unless somebody comes in'; else echo settled; fi
}
want_2='at boot: these
ActiveState=active
UnitFileState=enabled
settled'
make_2() {
( umask 022; mkdir -p /run/landfall-firewall )
exec 9>>/run/landfall-firewall/lock
flock 9
if [ -e /run/landfall-firewall/armed ]; then
  if [ -z "$(find /run/landfall-firewall/proven -mmin -10 2>/dev/null)" ]; then
  echo 'nobody has just come in under the new rules: they are not kept on trust'; exit 1
fi
  mkdir -p /etc/landfall
  cp /run/landfall-firewall/rules.nft /etc/landfall/.firewall.nft.landfall
  chmod 0644 /etc/landfall/.firewall.nft.landfall
  sync /etc/landfall/.firewall.nft.landfall
mv -fT /etc/landfall/.firewall.nft.landfall /etc/landfall/firewall.nft
  rm -f /run/landfall-firewall/armed /run/landfall-firewall/rules.nft
  systemctl stop landfall-firewall-back.timer 2>/dev/null || :
fi
if ! cmp -s /etc/landfall/firewall.nft - <<'END'
# Written by Landfall: who may reach this host (firewall: enforce in cluster.yaml).
table inet landfall
delete table inet landfall
table inet landfall {
	set nodes {
		type ipv4_addr
		elements = { 10.0.0.11, 10.0.0.12, 10.0.0.13, 10.0.0.21 }
	}
	set planes {
		type ipv4_addr
		elements = { 10.0.0.11, 10.0.0.12, 10.0.0.13 }
	}
	set seen4 {
		type ipv4_addr . inet_proto . inet_service
		size 4096
		flags dynamic,timeout
		timeout 1d
	}
	set seen6 {
		type ipv6_addr . inet_proto . inet_service
		size 4096
		flags dynamic,timeout
		timeout 1d
	}
	chain input {
		type filter hook input priority filter; policy accept;
		ct state established,related accept
		iif "lo" accept
		meta l4proto { icmp, ipv6-icmp } accept comment "errors, sizes of packets, neighbours, pings"
		udp sport 67 udp dport 68 accept comment "DHCP"
		udp sport 547 udp dport 546 accept comment "DHCPv6"
		ip saddr { 192.0.2.0/24 } tcp dport { 22, 22322 } accept comment "sshd"
		ip saddr @nodes tcp dport 9100 accept comment "allowed in cluster.yaml"
		ip saddr { 192.0.2.0/24 } tcp dport 6443 accept comment "API server"
		ip saddr @nodes tcp dport 6443 accept comment "API server, from nodes"
		ip saddr @planes tcp dport 2379-2380 accept comment "etcd, from control planes"
		tcp dport 2379-2381 goto rest
		ip saddr @planes meta l4proto 112 accept comment "VRRP, between control planes"
		meta l4proto 112 goto rest
		ip saddr 10.244.0.0/16 accept comment "pods"
		ip saddr @nodes tcp dport 10250 accept comment "kubelet, from nodes"
		ip saddr @nodes udp dport 8472 accept comment "packets of pods, flannel, from nodes"
		meta l4proto { tcp, udp } th dport 30000-32767 accept comment "NodePorts"
		jump rest
	}
	chain rest {
		meta pkttype { broadcast, multicast } drop
		meta l4proto { tcp, udp } update @seen4 { ip saddr . meta l4proto . th dport counter }
		meta l4proto { tcp, udp } update @seen6 { ip6 saddr . meta l4proto . th dport counter }
		counter drop
	}
}
END
then echo 'the host has taken the new rules back'; if [ -e /etc/landfall/firewall.nft ] && nft -f /etc/landfall/firewall.nft; then :; else
  if nft list table inet landfall >/dev/null 2>&1; then nft delete table inet landfall; fi
fi; exit 1; fi
systemctl -q enable --now landfall-firewall.service
}

# ── 3 login/port: Let sshd listen on port 22322 alone
# Two doors are one too many to watch. The old one is closed by the host itself, and only after a login has come in through the new one.
read_3() {
echo "listens on $(ss -Hltnp | awk -v held="$(systemctl show -p Listen --value ssh.socket 2>/dev/null | tr '\n' ' ')" '
  BEGIN { n = split(held, words, " "); for (i = 1; i <= n; i++) if (words[i] ~ /[0-9]$/) { sub(/.*:/, "", words[i]); mine[words[i]] = 1 } }
  $4 ~ /^(127\.|\[::1\])/ { next }
  { port = $4; sub(/.*:/, "", port) }
  /"sshd"/ || (/"systemd"/ && port in mine) { print port }' | sort -nu | tr '\n' ' ' | sed 's/ $//')"
echo "at boot: $(sshd -T 2>/dev/null | sed -n 's/^listenaddress .*:\([0-9]*\)$/\1/p' | sort -nu | tr '\n' ' ' | sed 's/ $//')"
if [ -e /run/landfall-ssh/armed ]; then echo 'to be taken back unless somebody comes in'; else echo 'settled'; fi
}
want_3='listens on 22322
at boot: 22322
settled'
make_3() {
( umask 022; mkdir -p /run/landfall-ssh )
exec 9>>/run/landfall-ssh/lock
flock 9
if [ -z "$(find /run/landfall-ssh/proven -mmin -10 2>/dev/null)" ]; then
  echo 'nobody has just logged in from outside: nothing is closed on trust'; exit 1
fi
read -r user port </run/landfall-ssh/proven
if [ "$port" != 22322 ]; then echo "the login from outside came in through port $port, "'not 22322'; exit 1; fi
if ! [ -e /run/landfall-ssh/armed ]; then
  rm -rf /run/landfall-ssh/kept
  for path in /etc/ssh/sshd_config.d/00-landfall-port.conf /etc/systemd/system/ssh.socket.d/zz-landfall-port.conf; do
    if [ -e "$path" ]; then mkdir -p /run/landfall-ssh/kept"$(dirname "$path")"; cp -a "$path" /run/landfall-ssh/kept"$path"; fi
  done
  cat >/run/landfall-ssh/back <<'END'
[ -e /run/landfall-ssh/armed ] || exit 0
rm -f /etc/ssh/sshd_config.d/.00-landfall-port.conf.landfall
if [ -e /run/landfall-ssh/kept/etc/ssh/sshd_config.d/00-landfall-port.conf ]; then
  cp -a /run/landfall-ssh/kept/etc/ssh/sshd_config.d/00-landfall-port.conf /etc/ssh/sshd_config.d/.00-landfall-port.conf.landfall
  sync /etc/ssh/sshd_config.d/.00-landfall-port.conf.landfall
mv -fT /etc/ssh/sshd_config.d/.00-landfall-port.conf.landfall /etc/ssh/sshd_config.d/00-landfall-port.conf
else
  rm -f /etc/ssh/sshd_config.d/00-landfall-port.conf
fi
rm -f /etc/systemd/system/ssh.socket.d/.zz-landfall-port.conf.landfall
if [ -e /run/landfall-ssh/kept/etc/systemd/system/ssh.socket.d/zz-landfall-port.conf ]; then
  cp -a /run/landfall-ssh/kept/etc/systemd/system/ssh.socket.d/zz-landfall-port.conf /etc/systemd/system/ssh.socket.d/.zz-landfall-port.conf.landfall
  sync /etc/systemd/system/ssh.socket.d/.zz-landfall-port.conf.landfall
mv -fT /etc/systemd/system/ssh.socket.d/.zz-landfall-port.conf.landfall /etc/systemd/system/ssh.socket.d/zz-landfall-port.conf
else
  rm -f /etc/systemd/system/ssh.socket.d/zz-landfall-port.conf
fi
systemctl reload-or-restart ssh.service
rm -rf /run/landfall-ssh/proven /run/landfall-ssh/armed /run/landfall-ssh/kept
END
: >/run/landfall-ssh/armed
fi
systemctl stop landfall-ssh-back.timer 2>/dev/null || :
systemd-run --quiet --collect --unit=landfall-ssh-back --description='Landfall: put the old ssh port back' \
  --on-active=180 --timer-property=AccuracySec=1s flock /run/landfall-ssh/lock /bin/sh /run/landfall-ssh/back
mkdir -p /etc/ssh/sshd_config.d
{ echo '# Written by Landfall: where sshd listens (host.ssh.port).'; for port in 22322; do echo "Port $port"; done; } >/etc/ssh/sshd_config.d/.00-landfall-port.conf.landfall
sync /etc/ssh/sshd_config.d/.00-landfall-port.conf.landfall
mv -fT /etc/ssh/sshd_config.d/.00-landfall-port.conf.landfall /etc/ssh/sshd_config.d/00-landfall-port.conf
sshd -t || { sh /run/landfall-ssh/back; rm -rf /run/landfall-ssh/armed /run/landfall-ssh/kept
systemctl stop landfall-ssh-back.timer 2>/dev/null || :; exit 1; }
systemctl reload-or-restart ssh.service
tries=0
until now=$(ss -Hltnp | awk -v held="$(systemctl show -p Listen --value ssh.socket 2>/dev/null | tr '\n' ' ')" '
  BEGIN { n = split(held, words, " "); for (i = 1; i <= n; i++) if (words[i] ~ /[0-9]$/) { sub(/.*:/, "", words[i]); mine[words[i]] = 1 } }
  $4 ~ /^(127\.|\[::1\])/ { next }
  { port = $4; sub(/.*:/, "", port) }
  /"sshd"/ || (/"systemd"/ && port in mine) { print port }' | sort -nu | tr '\n' ' ' | sed 's/ $//'); [ "$now" = "22322" ] || [ "$tries" -eq 50 ]; do tries=$((tries + 1)); sleep 0.2; done
if [ "$now" != "22322" ]; then
  echo "logins are taken on ${now:-no port}, not on "22322
  sh /run/landfall-ssh/back; rm -rf /run/landfall-ssh/armed /run/landfall-ssh/kept
systemctl stop landfall-ssh-back.timer 2>/dev/null || :; exit 1
fi
rm -rf /run/landfall-ssh/armed /run/landfall-ssh/kept
systemctl stop landfall-ssh-back.timer 2>/dev/null || :
}

# ── 4 login/passwords: Take keys alone
# On a public address somebody tries passwords every few seconds. There is nothing to try where none is taken.
read_4() {
# prohibit-password goes by its old name there.
all=$(sshd -T -C user=anybody,host=localhost,addr=127.0.0.1 2>&1 | sed 's/^\(permitrootlogin\) without-password$/\1 prohibit-password/')
for pair in 'passwordauthentication no' 'kbdinteractiveauthentication no'; do
  key=${pair% *}
  has=$(printf '%s\n' "$all" | sed -n "s/^$key //p")
  if [ "$key $has" = "$pair" ]; then echo "$pair"
  else
    says=$(grep -Eils "^[[:space:]]*${key}[[:space:]=]" /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config | head -n 1)
    echo "$key ${has:-$all}${says:+, says $says}"
  fi
done
newer=
if systemctl -q is-active ssh.service; then
  since=$(systemctl show -p StateChangeTimestamp --value --timestamp=us+utc ssh.service)
  newer=$(find /etc/ssh/sshd_config /etc/ssh/sshd_config.d -newermt "$since" 2>/dev/null | head -n 1)
fi
if [ -n "$newer" ]; then echo "sshd has not read $newer yet"; else echo 'sshd has read its files'; fi
}
want_4='passwordauthentication no
kbdinteractiveauthentication no
sshd has read its files'
make_4() {
( umask 022; mkdir -p /run/landfall-ssh )
exec 9>>/run/landfall-ssh/lock
flock 9
if [ -z "$(find /run/landfall-ssh/proven -mmin -10 2>/dev/null)" ]; then
  echo 'nobody has just logged in from outside: nothing is closed on trust'; exit 1
fi
read -r user port </run/landfall-ssh/proven
:
mkdir -p /etc/ssh/sshd_config.d
cat >/etc/ssh/sshd_config.d/.00-landfall-passwords.conf.landfall <<'END'
# Written by Landfall. sshd takes the first value it reads: this file is read before others.
PasswordAuthentication no
KbdInteractiveAuthentication no
END
chmod 0644 /etc/ssh/sshd_config.d/.00-landfall-passwords.conf.landfall
sync /etc/ssh/sshd_config.d/.00-landfall-passwords.conf.landfall
mv -fT /etc/ssh/sshd_config.d/.00-landfall-passwords.conf.landfall /etc/ssh/sshd_config.d/00-landfall-passwords.conf
sshd -t || { rm -f /etc/ssh/sshd_config.d/.00-landfall-passwords.conf.landfall
if [ -e /var/lib/landfall/before/etc/ssh/sshd_config.d/00-landfall-passwords.conf ]; then
  cp -a /var/lib/landfall/before/etc/ssh/sshd_config.d/00-landfall-passwords.conf /etc/ssh/sshd_config.d/.00-landfall-passwords.conf.landfall
  sync /etc/ssh/sshd_config.d/.00-landfall-passwords.conf.landfall
mv -fT /etc/ssh/sshd_config.d/.00-landfall-passwords.conf.landfall /etc/ssh/sshd_config.d/00-landfall-passwords.conf
else
  rm -f /etc/ssh/sshd_config.d/00-landfall-passwords.conf
fi; exit 1; }
if systemctl -q is-active ssh.socket; then
  if systemctl -q is-active ssh.service; then systemctl stop ssh.service; fi
mkdir -p /run/sshd
elif systemctl -q is-active ssh.service; then systemctl reload ssh.service; fi
}

# ── 5 login/root: Let root log in with a key alone
# root is the one name everybody can guess, and its password would be the whole host; a key nobody can guess.
read_5() {
# prohibit-password goes by its old name there.
all=$(sshd -T -C user=root,host=localhost,addr=127.0.0.1 2>&1 | sed 's/^\(permitrootlogin\) without-password$/\1 prohibit-password/')
for pair in 'permitrootlogin prohibit-password'; do
  key=${pair% *}
  has=$(printf '%s\n' "$all" | sed -n "s/^$key //p")
  if [ "$key $has" = "$pair" ]; then echo "$pair"
  else
    says=$(grep -Eils "^[[:space:]]*${key}[[:space:]=]" /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config | head -n 1)
    echo "$key ${has:-$all}${says:+, says $says}"
  fi
done
newer=
if systemctl -q is-active ssh.service; then
  since=$(systemctl show -p StateChangeTimestamp --value --timestamp=us+utc ssh.service)
  newer=$(find /etc/ssh/sshd_config /etc/ssh/sshd_config.d -newermt "$since" 2>/dev/null | head -n 1)
fi
if [ -n "$newer" ]; then echo "sshd has not read $newer yet"; else echo 'sshd has read its files'; fi
}
want_5='permitrootlogin prohibit-password
sshd has read its files'
make_5() {
( umask 022; mkdir -p /run/landfall-ssh )
exec 9>>/run/landfall-ssh/lock
flock 9
if [ -z "$(find /run/landfall-ssh/proven -mmin -10 2>/dev/null)" ]; then
  echo 'nobody has just logged in from outside: nothing is closed on trust'; exit 1
fi
read -r user port </run/landfall-ssh/proven
:
mkdir -p /etc/ssh/sshd_config.d
cat >/etc/ssh/sshd_config.d/.00-landfall-root.conf.landfall <<'END'
# Written by Landfall. sshd takes the first value it reads: this file is read before others.
PermitRootLogin prohibit-password
END
chmod 0644 /etc/ssh/sshd_config.d/.00-landfall-root.conf.landfall
sync /etc/ssh/sshd_config.d/.00-landfall-root.conf.landfall
mv -fT /etc/ssh/sshd_config.d/.00-landfall-root.conf.landfall /etc/ssh/sshd_config.d/00-landfall-root.conf
sshd -t || { rm -f /etc/ssh/sshd_config.d/.00-landfall-root.conf.landfall
if [ -e /var/lib/landfall/before/etc/ssh/sshd_config.d/00-landfall-root.conf ]; then
  cp -a /var/lib/landfall/before/etc/ssh/sshd_config.d/00-landfall-root.conf /etc/ssh/sshd_config.d/.00-landfall-root.conf.landfall
  sync /etc/ssh/sshd_config.d/.00-landfall-root.conf.landfall
mv -fT /etc/ssh/sshd_config.d/.00-landfall-root.conf.landfall /etc/ssh/sshd_config.d/00-landfall-root.conf
else
  rm -f /etc/ssh/sshd_config.d/00-landfall-root.conf
fi; exit 1; }
if systemctl -q is-active ssh.socket; then
  if systemctl -q is-active ssh.service; then systemctl stop ssh.service; fi
mkdir -p /run/sshd
elif systemctl -q is-active ssh.service; then systemctl reload ssh.service; fi
}

main() {
LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
KUBECONFIG=/etc/kubernetes/admin.conf
export LC_ALL DEBIAN_FRONTEND NEEDRESTART_MODE NEEDRESTART_SUSPEND PATH KUBECONFIG
umask 022
cd /
tmp=$(mktemp -d /run/landfall.XXXXXX 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 143' HUP INT TERM
mkdir "$tmp/slots" "$tmp/probes"
given=/run/landfall/runs/RUN/login-end/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/login-end/stop; stop=${stop:-$tmp/stop}
say landfall 1 5
step 1 make 0
step 2 make 0
step 3 make 0
step 4 make 0
step 5 make 0
say end
}
main
