-- What the server sends by itself.
return {
  ["ds4/status"] = function(_, status) require("ds4agent.status").set(status) end,
  ["ds4/chat/delta"] = function(_, delta) require("ds4agent.chat").delta(delta) end,
  ["ds4/agent/event"] = function(_, params) require("ds4agent.agent").event(params) end,
  ["ds4/agent/progress"] = function(_, params) require("ds4agent.agent").progress(params) end,
  ["ds4/agent/approve"] = function(_, params)
    local lines = vim.split(vim.trim(params.question), "\n", { plain = true })
    return { allow = require("ds4agent.preview").ask(lines, "the agent asks", "Allow this step?") }
  end,
  ["window/showMessage"] = function(_, params)
    local levels = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.INFO }
    require("ds4agent.client").say(params.message, levels[params.type])
    return vim.NIL
  end,
  ["workspace/applyEdit"] = function(_, params, context)
    local client = assert(vim.lsp.get_client_by_id(context.client_id))
    return { applied = require("ds4agent.preview").apply(params.edit, client, params.label) }
  end,
}
