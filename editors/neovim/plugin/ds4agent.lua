-- What is there before anything is set up: the command and the <Plug> mappings. Nothing of it is loaded until used.
if vim.g.loaded_ds4agent then
  return
end
vim.g.loaded_ds4agent = true

vim.api.nvim_create_user_command("Ds4", function(call) require("ds4agent.command").run(call) end, {
  nargs = "*",
  range = true,
  desc = "ds4agent",
  complete = function(lead, line) return require("ds4agent.command").complete(lead, line) end,
})

-- <C-g>u: what is accepted can be undone by itself.
local accepting = { ["accept"] = "all", ["accept-line"] = "line", ["accept-word"] = "word" }
for name, part in pairs(accepting) do
  local call = ("<C-g>u<Cmd>lua require('ds4agent.ghost').accept('%s')<CR>"):format(part)
  vim.keymap.set("i", ("<Plug>(ds4-%s)"):format(name), call, { desc = "ds4agent: accept " .. part })
end
for _, name in ipairs({ "dismiss", "next", "previous", "complete" }) do
  local call = ("<Cmd>lua require('ds4agent.ghost').%s()<CR>"):format(name)
  vim.keymap.set("i", ("<Plug>(ds4-%s)"):format(name), call, { desc = "ds4agent: " .. name })
end

local commands =
  { chat = "chat", explain = "explain", fix = "fix", edit = "edit", test = "test", stop = "stop" }
for name, command in pairs(commands) do
  vim.keymap.set("n", ("<Plug>(ds4-%s)"):format(name), ("<Cmd>Ds4 %s<CR>"):format(command))
  vim.keymap.set("x", ("<Plug>(ds4-%s)"):format(name), (":Ds4 %s<CR>"):format(command), { silent = true })
end
