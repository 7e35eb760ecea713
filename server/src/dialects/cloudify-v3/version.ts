/**
 * The two versions that are served, and where they differ.
 *
 * `v3` is what the published document says; `v3.1` is what today's client expects. Where the two contradict each
 * other, each prefix serves its own (specs: cloudify-rest.md §0). Apart from that every call is the same under both.
 */
export const API_VERSIONS = ['v3', 'v3.1'] as const;
export type ApiVersion = (typeof API_VERSIONS)[number];
