-- Conversations of before.
local client = require("ds4agent.client")

local M = {}

--- Show a conversation of before.
function M.pick()
  client.request("ds4/chat/list", vim.empty_dict(), function(list)
    vim.ui.select(list, {
      prompt = "Conversations:",
      format_item = function(each) return each.title end,
    }, function(each)
      if each then
        client.request("ds4/chat/get", { conversation = each.conversation }, require("ds4agent.chat").show)
      end
    end)
  end)
end

return M
