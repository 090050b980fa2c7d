-- Files as they were before the agent worked, after a look at what would go.
local client = require("ds4agent.client")

local M = {}

local function told(result)
  vim.cmd.checktime()
  local words = { ("%d files put back"):format(#result.restored) }
  for _, each in ipairs(result.refused) do
    table.insert(
      words,
      ("%s: %s"):format(vim.fn.fnamemodify(vim.uri_to_fname(each.uri), ":~:."), each.reason)
    )
  end
  client.say(table.concat(words, "; "), #result.refused > 0 and vim.log.levels.WARN or vim.log.levels.INFO)
end

local function put_back(session)
  client.request("ds4/agent/changes", { session = session }, function(found)
    if #found.files == 0 then
      return client.say("that session changed nothing")
    end
    local lines = vim.split(vim.trim(found.diff), "\n", { plain = true })
    local question = ("Take these changes back (%d files)?"):format(#found.files)
    if require("ds4agent.preview").ask(lines, "what the agent changed", question) then
      client.request("ds4/agent/putback", { session = session }, told)
    end
  end)
end

--- Files as they were before a session, after a look at what would go: the one of this buffer, else the newest.
---@param id? string
function M.run(id)
  id = id or require("ds4agent.agent").session()
  if id then
    return put_back(id)
  end
  client.request("ds4/agent/list", vim.empty_dict(), function(list)
    if list[1] then
      return put_back(list[1].session)
    end
    client.say("the agent has not changed anything")
  end)
end

return M
