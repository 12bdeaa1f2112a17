/** Whose certificate a kubelet serves: one signed by the cluster's authority, or one it has made and signed itself. */
export const SERVING = ['signed', 'self-signed'] as const;

/** When Landfall's own programs on a control plane do their work: by a timer, or only while `landfall apply` runs. */
export const KEEPERS = ['timer', 'apply'] as const;

/** What becomes of super-admin.conf once the cluster is made. */
export const SUPER_ADMIN = ['remove', 'keep'] as const;

/** How the cluster's certificates are made, kept and vouched for. */
export interface Certificates {
  /** Days a certificate of the control plane is valid. */
  readonly validity: number;
  /** Days the authorities are valid, decided when the cluster is made. */
  readonly authorityValidity: number;
  /** Days before its end a certificate of the control plane is renewed. */
  readonly renewBefore: number;
  /** Who sees to it that certificates are renewed between two applies. */
  readonly renewal: (typeof KEEPERS)[number];
  /** Days before an authority's end that end is told of; 0: never. */
  readonly authorityNotice: number;
  readonly kubelets: (typeof SERVING)[number];
  /** Who vouches for the certificates kubelets ask for between two applies. */
  readonly approval: (typeof KEEPERS)[number];
  readonly superAdmin: (typeof SUPER_ADMIN)[number];
  /** Who signs the tokens of service accounts, as their `iss`; absent: Kubernetes' own name for it. Decided when the cluster is made. */
  readonly tokenIssuer?: string;
}
