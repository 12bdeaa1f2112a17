import { createHash } from 'node:crypto';

/** One thing the filler makes: what from, after what, and how. */
export interface Recipe {
  /** Names it in the cache and in messages: `kubernetes-1.36.3`. */
  readonly id: string;
  /** What it is, in a few words for the one who waits. */
  readonly title: string;
  /** Everything it is made from, as text: versions, flags, module sums, file contents. Another input is another artefact. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly needs: readonly Recipe[];
  /** Seconds it takes on two cores with empty caches, measured; for saying how long. */
  readonly seconds: number;
  /** Debian packages whose programs or libraries the making needs on this machine; `go` stands for Go itself. */
  readonly tools: readonly string[];
  /** Makes it: writes into `work.out`. A folder that is not finished is never seen by anybody. */
  readonly build: (work: Work) => Promise<void>;
}

/** What a recipe works with. */
export interface Work {
  /** Empty folder that becomes the artefact. */
  readonly out: string;
  /** Empty folder that is thrown away afterwards. */
  readonly scratch: string;
  /** Gives the folder of something this recipe needs. */
  readonly of: (recipe: Recipe) => string;
  /** Says how far it is, from 0 to 1, and if wanted at what. */
  readonly far: (fraction: number, at?: string) => void;
}

/** Gives the sha256 of bytes or text in hexadecimal. */
export function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

const keys = new WeakMap<Recipe, string>();

/** Gives the hash of everything a recipe's result depends on, of what it needs too, in hexadecimal. */
export function keyOf(recipe: Recipe): string {
  const known = keys.get(recipe);
  if (known !== undefined) return known;
  const inputs = Object.entries(recipe.inputs).sort(([a], [b]) => (a < b ? -1 : 1));
  const key = sha256(JSON.stringify([recipe.id, inputs, recipe.needs.map(keyOf).sort()]));
  keys.set(recipe, key);
  return key;
}

/** Gives the recipes and everything they need, each once, needed ones first. */
export function withNeeds(recipes: readonly Recipe[]): readonly Recipe[] {
  const seen = new Set<Recipe>();
  const visit = (recipe: Recipe): void => {
    if (seen.has(recipe)) return;
    for (const need of recipe.needs) visit(need);
    seen.add(recipe);
  };
  for (const recipe of recipes) visit(recipe);
  return [...seen];
}
