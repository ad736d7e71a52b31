/**
 * What PostgreSQL says when the fault lies with it and not with the statement: connection exceptions, a transaction
 * rolled back in favour of another (40: deadlocks, serialization), insufficient resources, operator intervention
 * (shutdowns and timeouts), system errors, a standby that cannot be written to, and being turned away at the door (28,
 * 3D and 55000 come up while connecting only).
 */
const UNAVAILABLE_SQLSTATE = /^(08|28|3D|40|53|57|58)...$|^25006$|^55000$/;

const NETWORK_ERROR = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT$)/;

/** pg 8.23 has no codes for these: a full pool, and connections lost while in use. */
const PG_MESSAGE = /timeout exceeded when trying to connect|Connection terminated|connection error|read timeout/i;

/** Whether an error of a statement means "try again later", rather than a mistake of ours. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) {
    return false;
  }
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined
    ? PG_MESSAGE.test(error.message)
    : UNAVAILABLE_SQLSTATE.test(code) || NETWORK_ERROR.test(code);
}
