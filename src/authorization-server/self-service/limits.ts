/** Mail that anybody can cause at one address, whatever for: enough for somebody who tries again, too few to bother anyone. */
export const MAIL_TO_ADDRESS = { name: 'mail to an address', most: 5, seconds: 3600 };

/** Forms from one network that send mail. A whole office may share it. */
export const MAIL_FROM_NETWORK = { name: 'mail from a network', most: 60, seconds: 3600 };

/** Passwords typed at one link. */
export const PASSWORDS_AT_LINK = { name: 'passwords at a link', most: 10, seconds: 3600 };

export type Take = (limit: typeof MAIL_TO_ADDRESS, whose: string) => Promise<boolean>;
