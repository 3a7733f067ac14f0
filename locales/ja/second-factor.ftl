# 二段階認証：サインイン時のコード、設定、リカバリーコード、信頼済みブラウザー

second-factor-title = 本人確認
second-factor-passkey-text = パスキーで本人確認をしてください。
second-factor-passkey-no-script = パスキーを使うにはJavaScriptが必要です。
second-factor-text = 認証アプリを開き、このサイトに表示されている6桁のコードを入力してください。
second-factor-code = コード
second-factor-trust = このブラウザーでは{ $days }日間コードの入力を省略する
second-factor-trust-hint = ご自身の端末でのみお使いください。
second-factor-submit = 続ける
second-factor-recovery = リカバリーコードを使う
second-factor-recovery-text = 認証アプリが使えない場合は、リカバリーコードを1つ入力してください。各コードは1回だけ使えます。
second-factor-recovery-code = リカバリーコード

enroll-title = アカウントの保護
enroll-text = このサイトでは、パスワードが盗まれても不正にサインインされないように、二段階認証が必要です。今すぐ設定してください。設定後、サインインが続行されます。

account-security-title = サインイン設定
account-security-lead = サインイン方法と、パスワードのほかにアカウントを守るもの。
account-security-since = 設定日時：
account-security-no-password = パスワードは設定されていません。
account-security-manage = 管理
account-security-link = パスワード、認証アプリ、リカバリーコード、信頼済みブラウザー。
account-security-open = サインイン設定を開く

totp-title = 認証アプリ
totp-text = 設定されていません。スマートフォンの認証アプリを使うと、パスワードだけではサインインできなくなります。
totp-scan = スマートフォンの認証アプリで読み取ってください。
totp-qr = 認証アプリ用のQRコード
totp-link = この端末のアプリで開く
totp-type = 読み取れない場合
totp-type-text = 代わりに、次のキーをアプリに入力してください。
totp-code = アプリに表示されたコード
totp-code-hint = 表示された6桁の数字を入力すると、設定が完了します。
totp-submit = 有効にする
totp-set-up = 認証アプリを設定
totp-last-used = 最終使用：
totp-required = このサイトでは二段階認証が必要です。アプリの変更はできますが、最後の手段は削除できません。
totp-replace = 別のアプリに変更
totp-remove = 認証アプリを削除
totp-done-added = 認証アプリを設定しました。
totp-done-removed = 認証アプリを削除しました。今後はコードなしでサインインします。

recovery-codes-title = リカバリーコード
recovery-codes-text = 認証アプリが使えなくなったときは、次のコードでサインインできます。各コードは1回だけ使えます。
recovery-codes-once = 今すぐ保存してください。再表示はできません。以前のコードは使えなくなりました。
recovery-codes-download = テキストファイルとしてダウンロード
recovery-codes-print = このページを印刷することもできます。他人の目に触れない場所に保管してください。
recovery-codes-saved = 保存しました
recovery-codes-left = 残り{ $count }個です。
recovery-codes-few = なくなる前に新しいコードを作成してください。
recovery-codes-regenerate = リカバリーコードを再作成
recovery-codes-done = 新しいリカバリーコードを作成しました。

trusted-browsers-title = 信頼済みブラウザー
trusted-browsers-text = 次のブラウザーでは、サインイン時のコードの入力が省略されます。
trusted-browsers-empty = ありません。
trusted-browsers-last-used = 最終使用：
trusted-browsers-remove = 削除
trusted-browsers-remove-label = { $device } の信頼を取り消す
trusted-browsers-done = このブラウザーでは、再びコードの入力が必要になりました。

step-up-text-password-code = この操作には、パスワードとコードの入力が必要です。入力後、操作が続行されます。
step-up-text-code = この操作には、コードの入力が必要です。入力後、操作が続行されます。
step-up-code-hint = 認証アプリのコード、またはリカバリーコード。

event-second_factor_added = 二段階認証を設定
event-second_factor_removed = 二段階認証を削除
event-second_factor_failed = 正しいパスワードの後に誤ったコード
event-recovery_code_used = リカバリーコードを使用
event-recovery_codes_regenerated = リカバリーコードを再作成
event-browser_trusted = ブラウザーを信頼済みに設定

error-second_factor_required = サインインするには、二段階認証のコードを入力してください。
error-second_factor_enrollment_required = このサイトでは二段階認証が必要です。サインインページからサインインして設定してください。
error-invalid_code = コードが正しくないか、使用済みです。新しいコードでもう一度お試しください。
error-last_second_factor = このサイトでは二段階認証が必要なため、最後の手段は削除できません。先に別の手段を設定してください。
field-code-wrong = コードが正しくないか、使用済みです。次のコードをお待ちください。

admin-factors = 二段階認証
admin-factors-text = 認証アプリ、パスキー、リカバリーコードをすべて失った場合は、ここから削除できます。依頼者が本人であることを必ず確認してください。本人に通知され、24時間以内であれば中止できます。二段階認証でサインインした場合も中止されます。
admin-factors-reset = 24時間後に二段階認証を解除する
admin-factors-pending = 二段階認証の解除予定：
admin-factors-keep = 解除を中止する
admin-done-reset = 24時間後に二段階認証が解除されます。本人に通知しました。
admin-done-kept = 二段階認証の解除を中止しました。
factor-reset-pending = 管理者が認証アプリ、パスキー、リカバリーコードを削除します：
factor-reset-keep = 削除を中止する
factor-reset-kept = 二段階認証はそのまま残ります。
event-second_factor_reset_requested = 管理者による二段階認証の解除の予約
event-second_factor_reset_cancelled = 二段階認証の解除の中止
