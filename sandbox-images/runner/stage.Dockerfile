# The runner's folder, complete in itself: node, the bundle, the tools that confine the agent, their libraries and loader.
FROM ${WFLO_NODE_IMAGE} AS wflo-runner
COPY wflo-runner /wflo-runner
RUN ["node", "/wflo-runner/assemble.mjs", "/opt/wflo"]
