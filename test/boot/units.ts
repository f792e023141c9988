/** The units of a box as a vendor's image has them, as far as launcher, agent and workload rely on them. */
import type { ProvisionedDevice } from "../../apps/agent/src/deploy/provision.ts";

/** Units by file name. `node` is the runtime that the launcher runs on; what they say goes into `log`. */
export function unitsOf(device: ProvisionedDevice, node: string, log: string): Readonly<Record<string, string>> {
  const { launcher, configFile, deviceDir } = device;
  const start = (command: string): string => `ExecStart=${node} ${launcher} ${command} --config ${configFile}`;
  const plain = "[Unit]\nDefaultDependencies=no\nStartLimitIntervalSec=0\n";
  const output = `StandardOutput=append:${log}\nStandardError=append:${log}\n`;
  return {
    "moult-agent.service": `${plain}[Service]\nType=notify\nNotifyAccess=all\nWatchdogSec=3\nRestart=always\nRestartSec=100ms\nTimeoutStopSec=5\n${output}${start("--form auto")}\n`,
    "moult-work.path": `${plain}[Path]\nPathExists=${deviceDir}/run/work-wanted\nUnit=moult-work.service\n`,
    "moult-work.service": `${plain}[Service]\nType=exec\nRestart=on-failure\nRestartSec=250ms\nTimeoutStopSec=5\n${output}${start("work")}\n`,
    "moult-work-stop.path": `${plain}[Path]\nPathExists=${deviceDir}/run/work-unwanted\nUnit=moult-work-stop.service\n`,
    "moult-work-stop.service": `${plain}[Service]\nType=oneshot\n${output}ExecStart=/usr/bin/systemctl stop moult-work.service\nExecStart=/bin/rm -f ${deviceDir}/run/work-unwanted\n`,
  };
}

/** What is to run from the start. */
export const UNITS_WANTED = ["moult-agent.service", "moult-work.path", "moult-work-stop.path"] as const;
