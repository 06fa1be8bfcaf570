/** One thing that there is by name. */
export interface CatalogueEntry {
  readonly name: string;
  readonly summary: string;
  /** Further facts, by label: the unit of a metric, the share of numbers by trust. */
  readonly facts: Readonly<Record<string, string>>;
}
