// An authenticator that Chromium makes up (CDP, domain WebAuthn): one for each tab, as a phone's or a laptop's own is.
import type { CDPSession, Page } from '@playwright/test';

export class Authenticator {
  private constructor(
    private readonly cdp: CDPSession,
    private readonly authenticatorId: string,
  ) {}

  /** `present`: the person answers at once, whatever is asked. */
  static async on(page: Page, { present = true } = {}): Promise<Authenticator> {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: present,
      },
    });
    return new Authenticator(cdp, authenticatorId);
  }

  /** Whether the person touches it when asked. */
  async setPresent(enabled: boolean) {
    const { authenticatorId } = this;
    await this.cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
  }

  /** Whether the fingerprint is the right one. */
  async setVerified(isUserVerified: boolean) {
    const { authenticatorId } = this;
    await this.cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
  }

  async passkeys() {
    const { authenticatorId } = this;
    return (await this.cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
  }
}
