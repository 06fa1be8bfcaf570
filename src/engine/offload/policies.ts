/** Who answers a request, phone or cloud: one rule each. */

export interface OffloadView {
  readonly promptTokens: number;
  /** Share of a full battery. */
  readonly charge: number;
  /** Seconds of a small exchange, as the phone measured it just before. */
  readonly pingSeconds: number;
}

export interface OffloadOptions {
  /** Prompts longer than this go to the cloud, by length. */
  readonly longest: number;
  /** Below this charge the cloud answers, by battery. */
  readonly leastCharge: number;
  /** A ping above this is a weak link. */
  readonly slowest: number;
}

export interface OffloadPolicy {
  readonly summary: string;
  readonly needsLink: boolean;
  /** Without a signal the phone answers; otherwise a request waits for one. */
  readonly staysHere: boolean;
  /** A local model reads the prompt first. */
  readonly redacts?: boolean;
  /** `hybrid` prepares and redacts on the phone, then asks the cloud. */
  readonly choose: (view: OffloadView, options: OffloadOptions) => 'local' | 'cloud' | 'hybrid';
}

export const offloadPolicies = {
  local: {
    summary: 'everything on the phone',
    needsLink: false,
    staysHere: true,
    choose: () => 'local',
  },
  cloud: {
    summary: 'everything in the cloud',
    needsLink: true,
    staysHere: false,
    choose: () => 'cloud',
  },
  hybrid: {
    summary: 'a small local model redacts the prompt, the cloud answers what is left',
    needsLink: true,
    staysHere: false,
    redacts: true,
    choose: () => 'hybrid',
  },
  'by-length': {
    summary: 'short prompts on the phone, long ones in the cloud',
    needsLink: true,
    staysHere: true,
    choose: ({ promptTokens }, { longest }) => (promptTokens > longest ? 'cloud' : 'local'),
  },
  'by-battery': {
    summary: 'on the phone while the battery is charged, in the cloud below',
    needsLink: true,
    staysHere: true,
    choose: ({ charge }, { leastCharge }) => (charge < leastCharge ? 'cloud' : 'local'),
  },
  fallback: {
    summary: 'in the cloud, on the phone while the link is weak',
    needsLink: true,
    staysHere: true,
    choose: ({ pingSeconds }, { slowest }) => (pingSeconds > slowest ? 'local' : 'cloud'),
  },
} as const satisfies Record<string, OffloadPolicy>;
