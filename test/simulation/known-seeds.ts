/** Written by `npm run sim -- --mutants --renew`: for each deliberate bug a seed that fails only because of it. */
export const KNOWN_SEEDS: Readonly<Record<string, number>> = {}
