/**
 * The formats of values that end up in commands, files and certificates. Each is anchored and of one line, and none lets
 * a value begin with a hyphen: what matches can be taken neither for an option nor for more than one word.
 */

/** RFC 1123 label: what Kubernetes takes as a node's name and DNS as one part. */
export const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** `1.36` or `1.36.3`. */
export const VERSION = /^1\.(0|[1-9]\d?)(\.(0|[1-9]\d{0,2}))?$/;

/** Four decimal numbers, 0 to 255, without leading zeros. */
export const IPV4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;

/** An IPv4 address and a prefix length; whether it is a network's first address is checked where it can be explained. */
export const CIDR =
  /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\/(3[0-2]|[12]?\d)$/;

/** RFC 1123 subdomain of 253 characters at most. */
export const DOMAIN =
  /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;

/** A subdomain or address, with a port or without. */
export const ENDPOINT =
  /^(?=[^:]{1,253}(:|$))[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*(:[1-9]\d{0,4})?$/;

/** A network device as Linux names it: 15 characters at most. */
export const DEVICE = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}$/;

/** What ssh takes as a host: an address, a name, or an alias, which may hold underscores and capitals. */
export const ADDRESS = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/;

/** A login name as useradd lets one make, and some directory services besides. */
export const USER = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/;

/**
 * A path of one line that is nothing but a path: ssh would expand `%h` and `${HOME}` in it and take quotes and backslashes for
 * its own, and a shell, should one ever see it, the rest.
 */
export const PATH = /^(?!-)[^\u0000-\u001f\u007f-\u009f\u2028\u2029"$%`\\]{1,4096}$/;

/** A public key as in known_hosts: the types OpenSSH has not dropped, and base64. */
export const HOST_KEY =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/]{40,}={0,2}$/;

/** A label's value that is not empty, and the last part of its key: 63 characters at most. */
const LABEL_WORD = '[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?';
const LABEL_NAME = `([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*\\/)?${LABEL_WORD}`;

/** A label's or taint's key: a name of 63 characters at most, after a DNS name and a slash where it has a prefix. */
export const LABEL_KEY = new RegExp(`^${LABEL_NAME}$`);

/** A label's value, which may be empty. */
export const LABEL_VALUE = new RegExp(`^(${LABEL_WORD})?$`);

/** A taint as kubectl takes it: `dedicated=db:NoSchedule`, or without a value `dedicated:NoExecute`. */
export const TAINT = new RegExp(`^${LABEL_NAME}(=${LABEL_WORD})?:(NoSchedule|PreferNoSchedule|NoExecute)$`);

/** A size as journald.conf writes it. */
export const JOURNAL_SIZE = /^[1-9]\d{0,5}[KMGT]$/;

/** A size as Kubernetes writes it, of those a log file may have. */
export const QUANTITY = /^[1-9]\d{0,5}(Ki|Mi|Gi)$/;

/** A package of Debian or Ubuntu: Debian policy 5.6.1. */
export const PACKAGE = /^[a-z0-9][a-z0-9+.-]{1,100}$/;

/** `once`, `never`, or a number of days: `30d`. */
export const UPGRADE = /^(once|never|[1-9]\d{0,2}d)$/;

const REGISTRY_HOST =
  '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*(:[1-9]\\d{0,4})?';
const REPOSITORY_PART = '[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*';

/** A registry, or a part of one, as it stands before an image's name: `ghcr.io`, `mirror.example.com:5000/k8s`. */
export const REGISTRY = new RegExp(`^(?=.{1,255}$)${REGISTRY_HOST}(/${REPOSITORY_PART})*$`);

/** The name somebody has at a registry: robots of Harbor begin with `robot$`, keys of others are mail addresses. */
export const REGISTRY_USER = /^[A-Za-z0-9_][A-Za-z0-9_.@$+/=-]{0,254}$/;

/** The URL of a proxy; a name and password before its host are told to be wrong where that can be said without showing them. */
export const PROXY =
  /^https?:\/\/([^@/"'\s\\$%`]*@)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*(:[1-9]\d{0,4})?\/?$/;

/** What is reached without a proxy: a name, a domain with a dot before it, an address or a network. */
export const NO_PROXY =
  /^(?=.{1,253}$)\.?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*(\/(3[0-2]|[12]?\d))?$/;

/** An IPv4 address, or a network of such with its prefix length. */
export const SUBNET =
  /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\/(3[0-2]|[12]?\d))?$/;

/** From where something may be reached: the nodes, the pods, an address or a network. */
export const SOURCE = new RegExp(`^(nodes|pods)$|${SUBNET.source}`);

/** A variable of the environment. */
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
